"""What has no result is one exception of one line: refusals, missing and foreign servers, broken bodies; retries."""

from __future__ import annotations

import io
import json
import pickle
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from heatsvc.client import Client, ConnectionFailedError, HeatsvcError, InvalidResponseError, ServiceError
from tests.client.conftest import Call
from tests.client.servers import ScriptedServer, Service, response, running_service, scripted_server
from tests.serving import free_port

CLIP = np.array([[[10.0, 20.0], [30.0, 40.0]]])
VOLUME = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
ZSTD = {"content-encoding": "zstd"}


def npy(array: Any) -> bytes:
    body = io.BytesIO()
    np.save(body, array)
    return body.getvalue()


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> bytes:
    document = {"type": "about:blank", "title": "A title", "status": status, "detail": detail, **members}
    return response(status, json.dumps(document).encode(), "application/problem+json", headers)


GOOD = response(200, npy(VOLUME))


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """A function that starts a server of the responses that it is given."""
    with ExitStack() as stack:
        yield lambda *responses: stack.enter_context(scripted_server(responses))


def test_a_refusal_says_which_field_file_and_frame(service: Service, call: Call, tmp_path: Path):
    path = tmp_path / "bad.json"
    path.write_text('{"keypoint": [[[1, 2]], [[1]]], "img_shape": [64, 64]}')
    with pytest.raises(ServiceError) as caught:
        call(service.url, "heatmap", path)
    assert str(caught.value) == (
        "keypoint[1][0] has 1 numbers, but keypoint[0][0] has 2: all must have the same number "
        "(422; field keypoint, file bad.json, frame 1)"
    )
    assert caught.value.status == 422
    assert caught.value.problem is not None
    assert caught.value.problem["title"] == "The request cannot be processed"
    assert caught.value.problem["frame"] == 1


def test_an_option_that_does_not_exist(service: Service, call: Call):
    with pytest.raises(ServiceError, match=r"unknown option 'sigma'.* field sigma"):
        call(service.url, "heatmap", CLIP, img_shape=(64, 64), sigma=1)


def test_an_error_can_be_pickled(service: Service):
    """As it is when a worker process of a DataLoader fails."""
    with Client(service.url) as client, pytest.raises(ServiceError) as caught:
        client.heatmap(CLIP)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.status, copy.problem) == (str(caught.value), 422, caught.value.problem)


def test_a_key(call: Call, tmp_path: Path):
    with running_service(tmp_path, api_keys=["secret"]) as service:
        assert call(service.url, "layouts", client={"api_key": "secret"})
        with pytest.raises(
            ServiceError, match=r"the request has no valid API key: send one as Authorization: Bearer KEY \(401\)"
        ):
            call(service.url, "layouts")


def test_no_server(call: Call, waits: list[float]):
    port = free_port()
    with pytest.raises(
        ConnectionFailedError, match=rf"^cannot connect to http://127.0.0.1:{port}: .*Is the service running there\?$"
    ):
        call(f"http://127.0.0.1:{port}", "layouts", client={"retries": 2})
    assert len(waits) == 2


def test_a_url_without_a_scheme():
    with pytest.raises(ValueError, match="must begin with http"):
        Client("127.0.0.1:8000")


def test_a_url_that_is_none():
    with pytest.raises(ValueError, match="is no URL: Invalid non-printable"):
        Client("http://\x1b[31m/")


@pytest.mark.parametrize("key", ["secret\r\nX: y", "sécret"])
def test_a_key_that_no_header_can_have_is_not_repeated(key: str):
    with pytest.raises(ValueError, match="API key has a character") as caught:
        Client("http://127.0.0.1:8000", api_key=key)
    assert "cret" not in str(caught.value)


def test_a_server_that_is_silent_is_not_asked_again(call: Call, waits: list[float]):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ConnectionFailedError, match="did not respond within the client's timeout"):
            call(url, "heatmap", CLIP, img_shape=(64, 64), client={"timeout": 0.2})
    assert waits == []


def test_a_busy_service_is_asked_again_when_it_says(
    scripted: Callable[..., ScriptedServer], call: Call, waits: list[float]
):
    busy = problem(503, "too many requests", {"retry-after": "1"})
    server = scripted(busy, problem(503, "again"), GOOD)
    np.testing.assert_array_equal(call(server.url, "heatmap", CLIP, img_shape=(64, 64)), VOLUME)
    assert len(server.received) == 3
    assert waits[0] == 1.0
    assert 0 < waits[1] < 1.0
    assert len({each.body for each in server.received}) == 1


def test_a_service_that_wants_more_time_than_there_is(
    scripted: Callable[..., ScriptedServer], call: Call, waits: list[float]
):
    server = scripted(problem(503, "the disk is full", {"retry-after": "60"}))
    with pytest.raises(ServiceError, match=r"the disk is full \(503\)") as caught:
        call(server.url, "layouts", client={"max_retry_wait": 5})
    assert (len(server.received), waits, caught.value.retry_after) == (1, [], 60.0)


def test_a_date_to_retry_after(scripted: Callable[..., ScriptedServer], call: Call, waits: list[float]):
    past = {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server = scripted(problem(503, "starting", past), GOOD)
    call(server.url, "heatmap", CLIP, img_shape=(64, 64))
    assert waits == [0.0]


def test_retries_end(scripted: Callable[..., ScriptedServer], call: Call, waits: list[float]):
    server = scripted(problem(503, "busy", {"retry-after": "0"}))
    with pytest.raises(ServiceError, match="busy"):
        call(server.url, "layouts", client={"retries": 4})
    assert len(server.received) == 5
    assert waits == [0.0] * 4


@pytest.mark.parametrize("status", [400, 422, 500, 507])
def test_other_errors_are_not_repeated(scripted: Callable[..., ScriptedServer], call: Call, status: int):
    server = scripted(problem(status, "no"))
    with pytest.raises(ServiceError, match=rf"^no \({status}\)$"):
        call(server.url, "layouts")
    assert len(server.received) == 1


@pytest.mark.parametrize("broken", [b"", GOOD[:-10]], ids=["closed", "cut short"])
def test_a_connection_that_breaks_is_made_again(
    scripted: Callable[..., ScriptedServer], call: Call, waits: list[float], broken: bytes
):
    server = scripted(broken, broken, GOOD)
    np.testing.assert_array_equal(call(server.url, "heatmap", CLIP, img_shape=(64, 64)), VOLUME)
    assert len(waits) == 2


def test_a_body_that_is_always_cut_short(scripted: Callable[..., ScriptedServer], call: Call, waits: list[float]):
    server = scripted(GOOD[:-10])
    with pytest.raises(ConnectionFailedError, match=r"the connection to http://127\.0\.0\.1:\d+ broke: "):
        call(server.url, "heatmap", CLIP, img_shape=(64, 64), client={"retries": 1})


def test_files_are_sent_again(scripted: Callable[..., ScriptedServer], call: Call, tmp_path: Path, waits: list[float]):
    (tmp_path / "clips").mkdir()
    np.save(tmp_path / "clips" / "a.npy", CLIP)
    server = scripted(b"", GOOD)
    call(server.url, "heatmap", tmp_path / "clips", img_shape=(64, 64))
    first, second = (each.body.split(b"\r\n\r\n", 1)[1] for each in server.received)
    assert npy(CLIP) in first
    boundaries = [each.headers["content-type"].partition("boundary=")[2].encode() for each in server.received]
    assert first.replace(boundaries[0], boundaries[1]) == second


@pytest.mark.parametrize("status", [502, 404])
def test_the_page_of_a_proxy(scripted: Callable[..., ScriptedServer], call: Call, status: int):
    server = scripted(response(status, b"<html>Bad\nGateway</html>", "text/html; charset=utf-8"))
    with pytest.raises(ServiceError) as caught:
        call(server.url, "heatmap", CLIP, img_shape=(64, 64))
    assert str(caught.value) == (
        f"{server.url}/heatmap responded {status} {'Bad Gateway' if status == 502 else 'Not Found'} with text/html, "
        "which is not heatsvc's own error: a proxy before the service, or another service, sent it"
    )
    assert (caught.value.status, caught.value.problem) == (status, None)


def test_a_redirect_is_not_followed(scripted: Callable[..., ScriptedServer], call: Call):
    server = scripted(response(308, b"", "text/html", {"location": "https://elsewhere/heatmap"}))
    with pytest.raises(ServiceError, match=r"redirects to https://elsewhere/heatmap \(308\): give the client that URL"):
        call(server.url, "heatmap", CLIP, img_shape=(64, 64))


@pytest.mark.parametrize("method", ["layouts", "heatmap"])
def test_another_service(scripted: Callable[..., ScriptedServer], call: Call, method: str):
    server = scripted(response(200, b"<html>Welcome</html>", "text/html"))
    arguments = [CLIP] if method == "heatmap" else []
    with pytest.raises(InvalidResponseError, match=r"responded with text/html, not with application/.*no heatsvc"):
        call(server.url, method, *arguments)


def frame(content: bytes, *, with_size: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=with_size).compress(content)


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"\x93NUMPY\1\0\x88\x13" + b"{" * 5000, {}, "no npy file"),
        (b"\x93NUMPY\1\0\x88\x13" + b"-" * 5000, {}, "no npy file"),
        (npy(np.zeros((0, 3), "V0")), {}, "another order or type"),
        (npy(VOLUME.astype("U1")), {}, "another order or type"),
        (npy(np.zeros((0, 2))).replace(b"<f8", b"<f4").replace(b"(0, 2)", b"(2**64, 0)"), {}, "no npy file"),
        (npy(VOLUME)[:-4], {}, "92 bytes are not float32 of"),
        (npy(VOLUME) + b"more", {}, "100 bytes are not float32 of"),
        (b"", {}, "no npy file"),
        (b"{}", {}, "no npy file"),
        (npy(np.array([None])), {}, "another order or type"),
        (npy(np.asfortranarray(VOLUME)), {}, "another order or type"),
        (frame(npy(VOLUME))[:-3], ZSTD, "cut short or damaged"),
        (frame(npy(VOLUME), with_size=False)[:-3], ZSTD, "no npy file"),
        (frame(npy(VOLUME)) + b"more", ZSTD, "cut short or damaged"),
        (b"no zstd", ZSTD, "cut short or damaged"),
        (npy(VOLUME), {"content-encoding": "br"}, "content coding 'br'"),
    ],
    ids=lambda value: None,
)
def test_a_body_that_is_no_volume(
    scripted: Callable[..., ScriptedServer], call: Call, body: bytes, headers: dict[str, str], reason: str
):
    server = scripted(response(200, body, headers=headers))
    with pytest.raises(InvalidResponseError, match=reason):
        call(server.url, "heatmap", CLIP, img_shape=(64, 64))
    assert len(server.received) == 1


@pytest.mark.parametrize("with_size", [True, False])
def test_a_frame_with_its_size_and_without(scripted: Callable[..., ScriptedServer], call: Call, with_size: bool):
    server = scripted(response(200, frame(npy(VOLUME), with_size=with_size), headers=ZSTD))
    np.testing.assert_array_equal(call(server.url, "heatmap", CLIP, img_shape=(64, 64)), VOLUME)


@pytest.mark.parametrize("with_size", [True, False])
def test_a_body_that_decodes_to_more_than_allowed(scripted: Callable[..., ScriptedServer], call: Call, with_size: bool):
    bomb = frame(bytes(50 << 20), with_size=with_size)
    assert len(bomb) < 10_000
    server = scripted(response(200, bomb, headers=ZSTD))
    with pytest.raises(InvalidResponseError, match="more than max_volume_bytes=1,000,000 of the client"):
        call(server.url, "heatmap", CLIP, img_shape=(64, 64), client={"max_volume_bytes": 1_000_000})


def test_a_body_without_end(scripted: Callable[..., ScriptedServer], call: Call):
    server = scripted(response(200, bytes(3_000_000), headers={"content-length": "1000000000"}))
    with pytest.raises(InvalidResponseError, match=r"has more than 1,002,\d+ bytes, the client's limit"):
        call(server.url, "heatmap", CLIP, img_shape=(64, 64), client={"max_volume_bytes": 1_000_000})


def tensors(header: Any, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return response(200, len(text).to_bytes(8, "little") + text + data, "application/vnd.safetensors")


@pytest.mark.parametrize(
    "reply",
    [
        tensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(7)),
        tensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 8]}}, bytes(16)),
        tensors({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, bytes(8)),
        tensors({"a": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}}, bytes(8)),
        tensors({"a": {"dtype": "BOOL", "shape": [8], "data_offsets": [0, 8]}}, bytes(8)),
        tensors({"a": {"dtype": "F32", "shape": [2**64 - 1, 0], "data_offsets": [0, 0]}}, b""),
        tensors({name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in "ab"}, bytes(8)),
        tensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
        tensors({"a": 1}, b""),
        tensors([], b""),
        tensors(b"{", b""),
        response(200, b"\xff" * 20, "application/vnd.safetensors"),
        response(200, b"", "application/vnd.safetensors"),
    ],
    ids=lambda value: None,
)
def test_a_body_that_is_no_safetensors_file(
    scripted: Callable[..., ScriptedServer], call: Call, reply: bytes, tmp_path: Path
):
    np.save(tmp_path / "a.npy", CLIP)
    server = scripted(reply)
    with pytest.raises(InvalidResponseError, match="the response is"):
        call(server.url, "heatmap", [tmp_path / "a.npy"], img_shape=(64, 64))


def test_the_first_failure_of_many_clips_ends_all(scripted: Callable[..., ScriptedServer], call: Call):
    server = scripted(GOOD, problem(422, "no"))
    with pytest.raises(ServiceError, match=r"no \(422\)"):
        call(server.url, "heatmap", [CLIP] * 50, concurrency=1, img_shape=(64, 64))
    assert len(server.received) <= 3


def test_a_warning_that_the_client_does_not_know(scripted: Callable[..., ScriptedServer], call: Call):
    server = scripted(response(200, npy(VOLUME), headers={"x-heatmap-warning": "invented_later;clips=2, ;;"}))
    with pytest.warns(UserWarning, match="invented_later in 2 clips: see the service's documentation"):
        call(server.url, "heatmap", CLIP, img_shape=(64, 64))


def test_a_warning_of_a_number_without_end(scripted: Callable[..., ScriptedServer], call: Call):
    server = scripted(response(200, npy(VOLUME), headers={"x-heatmap-warning": f"faint;clips={'9' * 5000}"}))
    np.testing.assert_array_equal(call(server.url, "heatmap", CLIP, img_shape=(64, 64)), VOLUME)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (problem(422, "a\x1b]0;b\x07c\n\x9b2J", file="\x1b[31m.npy"), "a ]0;b c 2J (422; file [31m.npy)"),
        (response(302, b"", headers={"location": "/\x1b[31m"}), "redirects to / [31m (302)"),
        (response(500, b"", "text/\x1b[31m"), "responded 500 Internal Server Error with text/ [31m, which"),
    ],
)
def test_a_message_has_no_characters_that_a_terminal_obeys(
    scripted: Callable[..., ScriptedServer], call: Call, reply: bytes, message: str
):
    with pytest.raises(ServiceError) as caught:
        call(scripted(reply).url, "layouts")
    assert message in str(caught.value)


def test_every_error_is_one_class():
    assert {each.__base__ for each in (ServiceError, ConnectionFailedError, InvalidResponseError)} == {HeatsvcError}
