"""Negotiation: the form by `Accept`, the coding by `Accept-Encoding` (RFC 9110, 12.5)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.asking import CLIP, DRAW, JSON, NPY, NPZ, SAFETENSORS, Answer, Asker

ASKED = {**CLIP, "pipeline": DRAW}


def ask(service: Asker, **headers: str) -> Answer:
    return service.draw(ASKED, **headers)


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
        (f"image/png, {NPY};q=0.01", NPY),
        ("application/octet-stream", NPY),
        ("application/zip", NPZ),
        (f"{NPY}; charset=utf-8; q=0.5", NPY),
        ("text/html, application/xhtml+xml, */*;q=0.8", NPY),
    ],
)
def test_accept(service: Asker, accept: str, given: str) -> None:
    answer = ask(service, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, given)


def test_no_accept_is_npy(service: Asker) -> None:
    assert ask(service).headers["content-type"] == NPY


@pytest.mark.parametrize("accept", ["text/html", "image/png", f"{NPY};q=0", f"{NPY};q=nan", f"{NPY};q=2", "npy"])
def test_unacceptable_accept(service: Asker, accept: str) -> None:
    problem = ask(service, accept=accept).problem(406)
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
def test_accept_encoding(service: Asker, accept_encoding: str, given: str | None) -> None:
    answer = ask(service, accept_encoding=accept_encoding)
    if given == "refused":
        answer.problem(406)
        return
    assert (answer.status, answer.headers.get("content-encoding")) == (200, given)
    np.testing.assert_array_equal(answer.array(), ask(service).array())


def test_no_accept_encoding_is_not_coded(service: Asker) -> None:
    assert "content-encoding" not in ask(service).headers


@pytest.mark.parametrize("accept_encoding", ["identity;q=0", "*;q=0", "br;q=1, *;q=0"])
def test_unacceptable_accept_encoding(service: Asker, accept_encoding: str) -> None:
    problem = ask(service, accept_encoding=accept_encoding).problem(406)
    assert problem["field"] == "Accept-Encoding"
    assert "allows none of zstd, deflate, gzip, identity" in problem["detail"]


def test_headers_that_come_twice_count_as_one_list(service: Asker) -> None:
    headers = [("content-type", JSON), ("accept-encoding", "identity;q=0"), ("accept-encoding", "gzip")]
    answer = service.ask("POST", "/heatmap", json=ASKED, headers=headers)
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("form", [NPY, NPZ, SAFETENSORS, JSON])
@pytest.mark.parametrize("coding", ["zstd", "deflate", "gzip", "identity"])
def test_every_form_in_every_coding(service: Asker, form: str, coding: str) -> None:
    answer = ask(service, accept=form, accept_encoding=coding)
    assert answer.status == 200
    assert answer.headers.get("content-encoding", "identity") == ("identity" if form == NPZ else coding)
    assert int(answer.headers["content-length"]) == len(answer.wire)
    assert answer.body == ask(service, accept=form).body


@pytest.mark.parametrize("accept_encoding", ["zstd", "gzip, deflate, br, zstd", "identity;q=0.1, zstd", "*"])
def test_npz_is_compressed_in_itself_and_not_coded_again(service: Asker, accept_encoding: str) -> None:
    answer = ask(service, accept=NPZ, accept_encoding=accept_encoding)
    assert "content-encoding" not in answer.headers
    assert "imgs" in answer.tensors()


@pytest.mark.parametrize("accept_encoding", ["identity;q=0, zstd", "zstd, *;q=0"])
def test_npz_is_coded_where_it_must_be(service: Asker, accept_encoding: str) -> None:
    answer = ask(service, accept=NPZ, accept_encoding=accept_encoding)
    assert answer.headers["content-encoding"] == "zstd"
    assert "imgs" in answer.tensors()


@pytest.mark.parametrize("name", ["accept", "accept_encoding"])
def test_endless_lists_are_refused(service: Asker, name: str) -> None:
    problem = ask(service, **{name: "x/y, " * 2_000}).problem(400)
    assert "4,096 are enough" in problem["detail"]


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/a", "..\\a", "\\a", "c:a", ".."])
def test_no_member_of_an_npz_leads_out_of_its_folder(service: Asker, name: str) -> None:
    named = {**ASKED, "frame_dir": name}
    problem = service.draw(named, accept=NPZ).problem(422)
    assert problem["field"] == "frame_dir"
    assert "application/vnd.safetensors" in problem["detail"]
    assert list(service.draw(named, accept=SAFETENSORS).tensors()) == [name]


def test_an_npz_has_no_two_names_that_numpy_takes_for_one(service: Asker) -> None:
    asked = {"clips": [{**CLIP, "frame_dir": name} for name in ("a", "a.npy")], "pipeline": DRAW}
    assert "are one name to numpy.load" in service.draw(asked, accept=NPZ).problem(422)["detail"]
    assert set(service.draw(asked).tensors()) == {"a", "a.npy"}


@pytest.mark.parametrize("name", ["k400/abc", "a..b", "KETI_SL_0000000419.avi", "화재"])
def test_ordinary_names_stay_as_they_are(service: Asker, name: str) -> None:
    assert list(service.draw({**ASKED, "frame_dir": name}, accept=NPZ).tensors()) == [name]
