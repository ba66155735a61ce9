"""Negotiation: the form by `Accept`, the coding by `Accept-Encoding` (RFC 9110, 12.5)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.client import CLIP, JSON, NPY, NPZ, PIPELINE, SAFETENSORS, Client, Response

PNG = "image/png"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"

ASKED = {**CLIP, "pipeline": PIPELINE}


def post_clip(client: Client, **headers: str) -> Response:
    return client.post_json(ASKED, **headers)


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", NPY),
        ("", NPY),
        ("application/*", NPY),
        (NPZ, NPZ),
        (NPZ.upper(), NPZ),
        (f"{SAFETENSORS}, {NPZ}", SAFETENSORS),
        (f"{SAFETENSORS};q=0.5, {NPZ};q=0.6", NPZ),
        (f"{JSON}, */*;q=0.1", JSON),
        (f"*/*, {NPY};q=0.2", SAFETENSORS),
        (f"{NPY};q=0, */*", SAFETENSORS),
        (f"image/avif, {NPY};q=0.01", NPY),
        (PNG, PNG),
        (f"{PNG}, */*;q=0.1", PNG),
        (f"{PNG};q=0.1, {NPY};q=0.2", NPY),
        ("image/*", PNG),
        (f"image/*, {PNG};q=0", "image/webp"),
        ("video/*", "video/mp4"),
        ("image/gif", "image/gif"),
        (BROWSER, NPY),
        ("application/octet-stream", NPY),
        ("application/zip", NPZ),
        (f"{NPY}; charset=utf-8; q=0.5", NPY),
        ("text/html, application/xhtml+xml, */*;q=0.8", NPY),
    ],
)
def test_accept(client: Client, accept: str, given: str) -> None:
    response = post_clip(client, accept=accept)
    assert (response.status, response.headers["content-type"]) == (200, given)


def test_no_accept_is_npy(client: Client) -> None:
    assert post_clip(client).headers["content-type"] == NPY


@pytest.mark.parametrize(
    "accept", ["text/html", f"text/html, {PNG}", "image/avif", f"{NPY};q=0", f"{NPY};q=nan", f"{NPY};q=2", "npy"]
)
def test_unacceptable_accept(client: Client, accept: str) -> None:
    problem = post_clip(client, accept=accept).problem(406)
    assert problem["field"] == "Accept"
    assert all(name in problem["detail"] for name in (NPY, NPZ, SAFETENSORS, JSON))


@pytest.mark.parametrize(
    ("accept_encoding", "given"),
    [
        ("zstd", "zstd"),
        ("ZSTD", "zstd"),
        ("deflate", "deflate"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("identity", None),
        ("", None),
        ("br", None),
        ("*", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate", "deflate"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("zstd;q=0, *", "deflate"),
        ("zstd;q=0.001, identity;q=0.0005", "zstd"),
        ("identity, zstd;q=0.5", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0, *;q=0.1", "zstd"),
        ("br, *;q=0", "refused"),
        ("zstd;q=x", None),
    ],
)
def test_accept_encoding(client: Client, accept_encoding: str, given: str | None) -> None:
    response = post_clip(client, accept_encoding=accept_encoding)
    if given == "refused":
        response.problem(406)
        return
    assert (response.status, response.headers.get("content-encoding")) == (200, given)
    np.testing.assert_array_equal(response.array(), post_clip(client).array())


def test_no_accept_encoding_is_not_coded(client: Client) -> None:
    assert "content-encoding" not in post_clip(client).headers


@pytest.mark.parametrize("accept_encoding", ["identity;q=0", "*;q=0", "br;q=1, *;q=0"])
def test_unacceptable_accept_encoding(client: Client, accept_encoding: str) -> None:
    problem = post_clip(client, accept_encoding=accept_encoding).problem(406)
    assert problem["field"] == "Accept-Encoding"
    assert "allows none of zstd, deflate, gzip, identity" in problem["detail"]


def test_headers_that_come_twice_count_as_one_list(client: Client) -> None:
    headers = [("content-type", JSON), ("accept-encoding", "identity;q=0"), ("accept-encoding", "gzip")]
    response = client.request("POST", "/heatmap", json=ASKED, headers=headers)
    assert response.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("form", [NPY, NPZ, SAFETENSORS, JSON])
@pytest.mark.parametrize("coding", ["zstd", "deflate", "gzip", "identity"])
def test_every_format_in_every_coding(client: Client, form: str, coding: str) -> None:
    response = post_clip(client, accept=form, accept_encoding=coding)
    assert response.status == 200
    assert response.headers.get("content-encoding", "identity") == ("identity" if form == NPZ else coding)
    assert int(response.headers["content-length"]) == len(response.wire)
    assert response.body == post_clip(client, accept=form).body


@pytest.mark.parametrize("accept_encoding", ["zstd", "gzip, deflate, br, zstd", "identity;q=0.1, zstd", "*"])
def test_npz_is_compressed_in_itself_and_not_coded_again(client: Client, accept_encoding: str) -> None:
    response = post_clip(client, accept=NPZ, accept_encoding=accept_encoding)
    assert "content-encoding" not in response.headers
    assert "imgs" in response.tensors()


@pytest.mark.parametrize("accept_encoding", ["identity;q=0, zstd", "zstd, *;q=0"])
def test_npz_is_coded_where_it_must_be(client: Client, accept_encoding: str) -> None:
    response = post_clip(client, accept=NPZ, accept_encoding=accept_encoding)
    assert response.headers["content-encoding"] == "zstd"
    assert "imgs" in response.tensors()


@pytest.mark.parametrize("name", ["accept", "accept_encoding"])
def test_endless_lists_are_refused(client: Client, name: str) -> None:
    problem = post_clip(client, **{name: "x/y, " * 2_000}).problem(400)
    assert "at most 4,096" in problem["detail"]


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/a", "..\\a", "\\a", "c:a", ".."])
def test_no_member_of_an_npz_leads_out_of_its_folder(client: Client, name: str) -> None:
    named = {**ASKED, "frame_dir": name}
    problem = client.post_json(named, accept=NPZ).problem(422)
    assert problem["field"] == "frame_dir"
    assert "application/vnd.safetensors" in problem["detail"]
    assert list(client.post_json(named, accept=SAFETENSORS).tensors()) == [name]


def test_names_that_numpy_cannot_tell_apart_are_refused_in_an_npz(client: Client) -> None:
    document = {"clips": [{**CLIP, "frame_dir": name} for name in ("a", "a.npy")], "pipeline": PIPELINE}
    assert "are the same name for numpy.load" in client.post_json(document, accept=NPZ).problem(422)["detail"]
    assert set(client.post_json(document).tensors()) == {"a", "a.npy"}


@pytest.mark.parametrize("name", ["k400/abc", "a..b", "KETI_SL_0000000419.avi", "화재"])
def test_ordinary_names_stay_as_they_are(client: Client, name: str) -> None:
    assert list(client.post_json({**ASKED, "frame_dir": name}, accept=NPZ).tensors()) == [name]
