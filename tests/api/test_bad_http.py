"""Requests that are wrong as HTTP: type, coding, length."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from tests.api.client import CLIP, JSON, NPY, NPZ, Client
from tests.pose.readers.samples import npy

BODY = json.dumps(CLIP).encode()


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json5",
        "image/png",
        "",
        "json",
        "a" * 5000,
        "*/*",
    ],
)
def test_a_body_of_another_type(client: Client, media_type: str) -> None:
    response = client.post(BODY, media_type)
    problem = response.problem(415)
    assert problem["field"] == "Content-Type"
    known = f"it must be one of {JSON}, {NPY}, {NPZ}, multipart/form-data"
    assert known in problem["detail"]
    assert response.headers["accept"] == f"{JSON}, {NPY}, {NPZ}, multipart/form-data"


def test_no_type(client: Client) -> None:
    problem = client.request("POST", "/heatmap", content=BODY).problem(415)
    assert "Content-Type is missing" in problem["detail"]


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "APPLICATION/JSON", " application/json "])
def test_parameters_and_case_of_the_type_do_not_matter(client: Client, media_type: str) -> None:
    assert client.post(BODY, media_type).status == 200


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "identity, gzip"])
def test_a_coded_body_is_not_read(client: Client, coding: str) -> None:
    problem = client.post(BODY, headers={"content-encoding": coding}).problem(415)
    assert problem["field"] == "Content-Encoding"
    assert "Content-Encoding is not supported" in problem["detail"]


def test_a_body_that_is_another_type_than_it_says(client: Client) -> None:
    assert "invalid" in client.post(npy(np.ones((1, 3, 2))), JSON).problem(400)["detail"]
    assert "the file is not a .npy file" in client.post(BODY, NPY).problem(422)["detail"]
    assert "has an unknown format" in client.post(b"\xff" + BODY, NPZ, "img_shape=4,4").problem(422)["detail"]


def test_a_body_that_is_too_long_is_refused_by_its_content_length(serve: Callable[..., Client]) -> None:
    small = serve(max_body_bytes=1000)
    read = 0

    async def long_body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 100
            yield bytes(100)

    problem = small.post(long_body(), JSON, headers={"content-length": "10000"}).problem(413)
    assert (problem["setting"], problem["limit"], problem["got"]) == ("HEATSVC_MAX_BODY_BYTES", 1000, 10_000)
    assert read == 0


@pytest.mark.parametrize("media_type", [JSON, NPY, "multipart/form-data; boundary=b"])
def test_a_body_that_is_too_long_is_refused_while_it_is_read(serve: Callable[..., Client], media_type: str) -> None:
    small = serve(max_body_bytes=1000)
    read = 0

    async def long_body() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            read += 100
            yield bytes(100)

    problem = small.post(long_body(), media_type).problem(413)
    assert (problem["setting"], problem["limit"]) == ("HEATSVC_MAX_BODY_BYTES", 1000)
    assert read <= 1100


@pytest.mark.parametrize("length", ["-5", "1e3", "٣", "x", "9" * 30])
def test_a_content_length_that_is_none_or_lies(client: Client, length: str) -> None:
    headers = [(b"content-type", JSON.encode()), (b"content-length", length.encode())]
    assert client.request("POST", "/heatmap", content=BODY, headers=headers).status in (200, 413)


def test_a_body_in_pieces_is_one_body(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(len(BODY)):
            yield BODY[at : at + 1]

    assert client.post(pieces()).wire == client.post(BODY).wire


@pytest.mark.parametrize(
    ("media_type", "body", "said"),
    [
        ("multipart/form-data", b"", "boundary"),
        ("multipart/form-data; boundary=", b"x", "multipart"),
        ("multipart/form-data; boundary=b", b"nothing of the kind", "multipart"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--", '"name"'),
        (
            "multipart/form-data; boundary=b; charset=undefined",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n\r\n--b--',
            "charset",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="options"\r\n\r\n{}\r\n' * 17 + b"--b--",
            "fields",
        ),
    ],
)
def test_a_form_that_is_no_form(client: Client, media_type: str, body: bytes, said: str) -> None:
    assert said in client.post(body, media_type).problem(400)["detail"]


def test_parts_without_end_are_refused(client: Client) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n'
    problem = client.post(part * 20_000 + b"--b--", "multipart/form-data; boundary=b").problem(422)
    assert problem["setting"] == "HEATSVC_MAX_CLIPS"
