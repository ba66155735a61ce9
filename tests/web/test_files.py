"""The page's files: served with headers that keep the page to itself, small, and as its brief bounds them."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import pytest

from heatsvc.annotation.faults import KINDS
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.pipeline import describe_pipelines
from heatsvc.render.picture_options import PictureOptions
from heatsvc.web import STATIC
from tests.api.client import Client
from tests.api.conftest import running

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())
SCRIPTS = [name for name in FILES if name.endswith(".js")]

MOST_LINES = 2_138


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running() as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/sample.npz"])
def test_files_have_the_policy_and_an_etag(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status == 200
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    again = client.request("GET", path, headers={"if-none-match": response.headers["etag"]})
    assert (again.status, again.wire) == (304, b"")


def test_media_types(client: Client) -> None:
    types = {path: client.get(path).headers["content-type"] for path in ("/", "/static/app.js", "/static/app.css")}
    assert [kind.partition(";")[0] for kind in types.values()] == ["text/html", "text/javascript", "text/css"]


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static/"]
)
def test_what_is_no_file_of_the_page_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status == 404


def test_another_method_is_refused(client: Client) -> None:
    response = client.request("POST", "/static/app.js", content=b"x")
    assert (response.problem(405)["status"], response.headers["allow"]) == (405, "GET, HEAD")


def test_no_file_names_another_host() -> None:
    for name in FILES:
        if not name.endswith((".npz", ".svg")):
            text = re.sub(r"^\s*//.*$", "", (STATIC / name).read_text(), flags=re.MULTILINE)
            assert not re.search(r"https?:|//[a-z]", text), name


def test_markup_has_no_inline_script_or_style() -> None:
    text = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", text)


def test_the_page_is_small(client: Client) -> None:
    """As it is transferred: 100 kB in all."""
    sent = {name: client.request("GET", f"/static/{name}", headers={"accept-encoding": "gzip"}) for name in FILES}
    assert gzip.decompress(sent["app.js"].wire) == (STATIC / "app.js").read_bytes()
    assert sum(len(response.wire) for response in sent.values()) < 100_000


def strings(language: str) -> set[str]:
    text = (STATIC / f"strings/{language}.js").read_text()
    return set(re.findall(r'^  "([\w.-]+)": ', text, re.MULTILINE))


OF_THE_SERVICE = {
    *(f"option.{name}" for name in AnnotationOptions.model_fields),
    *(f"picture.{name}" for name in PictureOptions.model_fields.keys() - {"mode", "channel", "frame", "fps"}),
    *(f"preset.{preset['name']}" for preset in describe_pipelines()["presets"]),
    *(f"fault.{kind}" for kind in KINDS),
    *(f"step.{step['type']}" for step in describe_pipelines()["steps"]),
    *(
        f"step.{step['type']}.{parameter['name']}"
        for step in describe_pipelines()["steps"]
        for parameter in step["parameters"]
        if parameter["schema"] and "const" not in parameter["schema"]
    ),
}
"""What the service describes in English: the page has its own text where the service's would not do."""


def test_both_languages_have_the_same_strings() -> None:
    """Those that are the same in Korean, such as `curl`, may be missing there."""
    english, korean = strings("en"), strings("ko")
    assert not korean - english - OF_THE_SERVICE
    assert english - korean <= {"copy.curl", "copy.python", "transport.place"}


def test_what_the_service_describes_is_there_in_korean() -> None:
    assert not OF_THE_SERVICE - strings("ko")


def test_the_page_s_scripts_are_of_the_length_they_are_known_to_have() -> None:
    """In lines of at most 120 characters; texts and the color map are not counted."""
    lines = [
        line
        for name in SCRIPTS
        if not name.startswith("strings/") and name != "inferno.js"
        for line in (STATIC / name).read_text().splitlines()
    ]
    assert max(map(len, lines)) <= 120
    assert len(lines) <= MOST_LINES


def test_every_string_that_is_used_exists() -> None:
    english = (STATIC / "strings/en.js").read_text()
    for name in SCRIPTS:
        for key in re.findall(r'\b(?:t|count)\("([\w.]+)"', (STATIC / name).read_text()):
            assert f'"{key}":' in english, f"{name}: {key}"
    for key in re.findall(r'data-(?:text|label)="([\w.]+)"', (STATIC / "index.html").read_text()):
        assert f'"{key}":' in english, key
