"""Headers of answers, whatever they answer."""

from __future__ import annotations

import re

import pytest

from tests.api.asking import CLIP, JSON, Asker

WRONG = {"keypoint": []}
TIMING = re.compile(r"read;dur=\d+\.\d+, pipeline;dur=\d+\.\d+, render;dur=\d+\.\d+, encode;dur=\d+\.\d+")


@pytest.mark.parametrize("coding", ["zstd", "deflate", "gzip", "identity"])
def test_content_length_is_that_of_the_coded_body(service: Asker, coding: str) -> None:
    answer = service.draw(CLIP, accept_encoding=coding)
    assert int(answer.headers["content-length"]) == len(answer.wire) > 100


def test_server_timing_tells_the_four_stages(service: Asker) -> None:
    assert TIMING.fullmatch(service.draw(CLIP).headers["server-timing"])


def test_vary_names_what_the_answer_depends_on(service: Asker) -> None:
    vary = service.draw(CLIP).headers["vary"].lower().split(", ")
    assert {"accept", "accept-encoding"} <= set(vary)


def test_each_answer_has_an_id_of_its_own(service: Asker) -> None:
    ids = {service.draw(sent).headers["x-request-id"] for sent in (CLIP, CLIP, WRONG)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in ids)


def test_the_client_s_own_id_comes_back(service: Asker) -> None:
    for sent in (CLIP, WRONG):
        assert service.draw(sent, x_request_id="build-17/clip 4").headers["x-request-id"] == "build-17/clip 4"


@pytest.mark.parametrize(
    "sent", [b"a\r\nSet-Cookie: b=c", b"a\nb", b"a\0b", b"a\tb", b"\xc3\xa9", b"a" * 129, b"", b"\x1b[2J"]
)
def test_an_id_that_could_do_harm_does_not_come_back(service: Asker, sent: bytes) -> None:
    headers = [(b"content-type", JSON.encode()), (b"x-request-id", sent)]
    answer = service.ask("POST", "/heatmap", json=CLIP, headers=headers)
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert "set-cookie" not in answer.headers


def test_an_array_says_nothing_of_who_serves_it(service: Asker) -> None:
    assert set(service.draw(CLIP).headers) == {
        "content-length",
        "content-type",
        "server-timing",
        "vary",
        "x-request-id",
    }


def test_content_length_of_a_body_that_is_sent_in_slices(service: Asker) -> None:
    """A whole response of more than 256 KiB."""
    frames = {**CLIP, "keypoint": CLIP["keypoint"] * 20}
    answer = service.draw(frames, accept_encoding="identity")
    assert len(answer.array()) == 20
    assert int(answer.headers["content-length"]) == len(answer.wire) > 512 << 10
    assert service.app.state.service.renderer.tile_memory.used == 0
