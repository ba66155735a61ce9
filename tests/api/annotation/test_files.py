"""GET /annotation/{id}/files/{name}: artifacts whole, in ranges, and only where they have changed."""

from __future__ import annotations

import hashlib

import pytest

from tests.api.annotation.conftest import Bench
from tests.api.annotation.forms import dataset
from tests.api.client import JSON, Response


@pytest.fixture(scope="module")
def href(bench: Bench) -> str:
    return bench.send(dataset(), accept=JSON).json()["artifacts"][0]["href"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def whole(bench: Bench, href: str) -> Response:
    return bench.client.get(href)


def test_the_etag_is_the_hash_of_the_bytes(whole: Response):
    assert whole.headers["etag"] == f'"{hashlib.sha256(whole.wire).hexdigest()}"'
    assert whole.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in whole.headers


def test_files_have_no_content_coding(bench: Bench, href: str, whole: Response):
    response = bench.client.get(href, {"accept-encoding": "gzip, zstd"})
    assert "content-encoding" not in response.headers
    assert response.wire == whole.wire


def test_head_has_the_same_headers_and_no_body(bench: Bench, href: str, whole: Response):
    response = bench.client.request("HEAD", href)
    assert (response.status, response.wire) == (200, b"")
    for name in ("content-length", "content-type", "etag", "accept-ranges"):
        assert response.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("requested", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-99", 10, 99),
        ("bytes=500000-", 500_000, None),
        ("bytes=-7", -7, None),
        ("bytes=999990-99999999999999999", 999_990, None),
        ("bytes=-99999999999999999", 0, None),
        ("bytes=5-9, 99999999999-", 5, 9),
    ],
)
def test_a_range(bench: Bench, href: str, whole: Response, requested: str, first: int, last: int | None):
    size = len(whole.wire)
    start, stop = first % size, size if last is None else last + 1
    response = bench.client.get(href, {"range": requested})
    assert (response.status, response.wire) == (206, whole.wire[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
    assert response.headers["etag"] == whole.headers["etag"]


def test_several_ranges(bench: Bench, href: str, whole: Response):
    response = bench.client.get(href, {"range": "bytes=0-4,100-104"})
    assert response.status == 206
    assert response.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert whole.wire[:5] in response.wire
    assert int(response.headers["content-length"]) == len(response.wire)


@pytest.mark.parametrize("requested", ["bytes=999999999-", "bytes=-0", "bytes=99999999-99999999999,88888888-"])
def test_an_unsatisfiable_range(bench: Bench, href: str, whole: Response, requested: str):
    response = bench.client.get(href, {"range": requested})
    response.problem(416)
    assert response.headers["content-range"] == f"bytes */{len(whole.wire)}"


@pytest.mark.parametrize(
    "requested",
    ["lines=1-2", "bytes", "bytes=", "bytes=a-b", "bytes=5-3", "bytes=--5", "bytes=1-2-3", "bytes=0-1," * 200 + "0-1",
     "bytes=" + "9" * 5000 + "-", "bytes=\u0661-\u0662".encode()],
)  # fmt: skip
def test_an_invalid_range_is_ignored(bench: Bench, href: str, whole: Response, requested: str | bytes):
    response = bench.client.request(
        "GET", href, headers=[(b"range", requested if isinstance(requested, bytes) else requested.encode())]
    )
    assert (response.status, len(response.wire)) == (200, len(whole.wire))


def test_if_range(bench: Bench, href: str, whole: Response):
    for condition in (whole.headers["etag"], whole.headers["last-modified"]):
        assert bench.client.get(href, {"range": "bytes=0-4", "if-range": condition}).status == 206
    for condition in ('"another"', f"W/{whole.headers['etag']}", "Thu, 01 Jan 1970 00:00:00 GMT"):
        for requested in ("bytes=0-4", "bytes=999999999-"):
            response = bench.client.get(href, {"range": requested, "if-range": condition})
            assert (response.status, len(response.wire)) == (200, len(whole.wire))


def test_if_none_match(bench: Bench, href: str, whole: Response):
    etag = whole.headers["etag"]
    for condition in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        response = bench.client.get(href, {"if-none-match": condition})
        assert (response.status, response.wire, response.headers["etag"]) == (304, b"", etag)
    assert bench.client.get(href, {"if-none-match": '"x"'}).status == 200


@pytest.mark.parametrize("name", ["none.pkl", "%2e%2e%2frequest.json", "request.json", "%2e", "a\\b", "%00"])
def test_a_missing_file_is_a_404(bench: Bench, href: str, name: str):
    bench.client.get(f"{href.rpartition('/')[0]}/{name}").problem(404)


def test_a_failed_build_has_only_its_report(bench: Bench):
    build = bench.send(dataset("faulty")).problem(422)["build"]
    assert bench.client.get(f"{build}/files/report.json").status == 200
    assert "report.html" in bench.client.get(f"{build}/files/bundle.zip").problem(404)["detail"]


def test_the_report_s_page_can_load_and_run_nothing(bench: Bench, href: str):
    response = bench.client.get(href.replace("annotations.pkl", "report.html"))
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-content-type-options"] == "nosniff"
