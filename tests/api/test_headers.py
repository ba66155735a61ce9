"""Headers of responses."""

from __future__ import annotations

import re

import pytest

from tests.api.client import CLIP, JSON, Client

WRONG = {"keypoint": []}
TIMING = re.compile(r"read;dur=\d+\.\d+, pipeline;dur=\d+\.\d+, render;dur=\d+\.\d+, encode;dur=\d+\.\d+")


@pytest.mark.parametrize("coding", ["zstd", "deflate", "gzip", "identity"])
def test_content_length_is_that_of_the_coded_body(client: Client, coding: str) -> None:
    response = client.post_json(CLIP, accept_encoding=coding)
    assert int(response.headers["content-length"]) == len(response.wire) > 100


def test_server_timing_has_the_four_stages(client: Client) -> None:
    assert TIMING.fullmatch(client.post_json(CLIP).headers["server-timing"])


def test_vary_names_what_the_response_depends_on(client: Client) -> None:
    vary = client.post_json(CLIP).headers["vary"].lower().split(", ")
    assert {"accept", "accept-encoding"} <= set(vary)


def test_each_response_has_its_own_id(client: Client) -> None:
    ids = {client.post_json(sent).headers["x-request-id"] for sent in (CLIP, CLIP, WRONG)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in ids)


def test_the_client_s_id_is_returned(client: Client) -> None:
    for sent in (CLIP, WRONG):
        assert client.post_json(sent, x_request_id="build-17/clip 4").headers["x-request-id"] == "build-17/clip 4"


@pytest.mark.parametrize(
    "sent", [b"a\r\nSet-Cookie: b=c", b"a\nb", b"a\0b", b"a\tb", b"\xc3\xa9", b"a" * 129, b"", b"\x1b[2J"]
)
def test_an_unsafe_id_is_replaced(client: Client, sent: bytes) -> None:
    headers = [(b"content-type", JSON.encode()), (b"x-request-id", sent)]
    response = client.request("POST", "/heatmap", json=CLIP, headers=headers)
    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["x-request-id"])
    assert "set-cookie" not in response.headers


def test_headers_do_not_reveal_the_server(client: Client) -> None:
    assert set(client.post_json(CLIP).headers) == {
        "content-length",
        "content-type",
        "server-timing",
        "vary",
        "x-heatmap-version",
        "x-request-id",
    }


def test_content_length_of_a_body_that_is_sent_in_slices(client: Client) -> None:
    """A whole response of more than 256 KiB."""
    frames = {**CLIP, "keypoint": CLIP["keypoint"] * 20}
    response = client.post_json(frames, accept_encoding="identity")
    assert len(response.array()) == 20
    assert int(response.headers["content-length"]) == len(response.wire) > 512 << 10
    assert client.app.state.service.renderer.tile_memory.used == 0
