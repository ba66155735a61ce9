"""The committed OpenAPI document is what the code says, and describes what the service takes and gives."""

from __future__ import annotations

from typing import Any

import pytest

from heatsvc.api.clips import BODIES, FORM
from heatsvc.api.options import OPTIONS
from heatsvc.cli.main import main
from heatsvc.encode.formats import FORMS
from tests.api.asking import CLIP, JSON, PROBLEM, Asker
from tests.serving import ROOT

DOCUMENT = ROOT / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def post(service: Asker) -> Any:
    return service.get("/openapi.json").json()["paths"]["/heatmap"]["post"]


def test_the_committed_document_is_the_code_s(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["openapi"]) == 0
    assert capfdbinary.readouterr().out == DOCUMENT.read_bytes(), "the API has changed: run `make openapi`"


def test_settings_of_the_machine_do_not_change_it(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATSVC_API_KEYS", "first")
    monkeypatch.setenv("HEATSVC_MAX_FRAMES", "3")
    main(["openapi"])
    assert capfdbinary.readouterr().out == DOCUMENT.read_bytes()


def test_every_body_and_every_form_of_the_answer_is_described(post: Any) -> None:
    assert set(post["requestBody"]["content"]) == {*BODIES, FORM}
    assert set(post["responses"]["200"]["content"]) == set(FORMS)


def test_every_option_is_described(post: Any) -> None:
    assert set(OPTIONS) <= {parameter["name"] for parameter in post["parameters"] if parameter["in"] == "query"}


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("400", {"content-type": JSON}, b"{"),
        ("406", {"content-type": JSON, "accept": "text/html"}, b"{}"),
        ("413", {"content-type": JSON, "content-length": str(1 << 40)}, b"{}"),
        ("415", {"content-type": "text/csv"}, b""),
        ("422", {"content-type": JSON}, b"{}"),
    ],
)
def test_problems_are_described(service: Asker, post: Any, status: str, headers: dict[str, str], body: bytes) -> None:
    assert set(post["responses"][status]["content"]) == {PROBLEM}
    problem = service.ask("POST", "/heatmap", content=body, headers=headers).problem(int(status))
    schema = service.get("/openapi.json").json()["components"]["schemas"]["Problem"]
    assert set(schema["required"]) <= set(problem) <= set(schema["properties"])


def test_headers_of_the_answer_are_described(service: Asker, post: Any) -> None:
    described = {name.lower() for name in post["responses"]["200"]["headers"]}
    assert {"server-timing", "x-request-id"} <= described & set(service.draw(CLIP).headers)
