"""Invalid forms: each is refused early, with what would be right, and leaves nothing on disk."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.annotation.conftest import Bench
from tests.api.annotation.forms import BOUNDARY, Form, dataset, form, part
from tests.api.client import Response

NPY = part("keypoints", b"1", "a.npy")
CSV = part("labels", b"a,0", "labels.csv")


def options(text: str | bytes) -> bytes:
    return part("options", text.encode() if isinstance(text, str) else text)


@pytest.fixture(autouse=True)
def leaves_nothing(bench: Bench):
    built = len(bench.worker.built)
    yield
    assert bench.left() == []
    assert len(bench.worker.built) == built


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        (form(NPY), "labels", "at least one table of labels"),
        (form(CSV), "keypoints", "an archive of them"),
        (form(), "labels", "at least one"),
        (form(NPY, CSV, part("file", b"1", "a.npy")), "file", "keypoints (can be repeated)"),
        (form(NPY, CSV, part("", b"1", "a.npy")), "", "use keypoints"),
        (form(NPY, CSV, options("{}"), options("{}")), "options", "two parts named options"),
        (form(NPY, CSV, part("split", b"1", "a"), options('{"split": {}}')), "split", "not both"),
        (form(NPY, CSV, options('{"selekt": 1}')), "selekt", "known options are select, missing_points, dtype"),
        (form(NPY, CSV, options('{"dtype": "int8"}')), "dtype", "'float16' or 'float32'"),
        (form(NPY, CSV, options('{"img_shape": [0, 5]}')), "img_shape", "height"),
        (
            form(NPY, CSV, options('{"columns": {"nom": "a"}}')),
            "columns",
            "has no key 'nom': known keys are name, label",
        ),
        (form(NPY, CSV, options('{"dataset": "x"}')), "dataset", "HEATSVC_DATASETS_DIR"),
        (form(NPY, CSV, options('{"split": %s}' % ('{"a":' * 300 + "1" + "}" * 300))), "split", "too deep"),
    ],
)
def test_an_invalid_form_is_a_422(bench: Bench, sent: Form, field: str, message: str):
    problem = bench.send(sent).problem(422)
    assert problem.get("field", "") == field
    assert message in problem["detail"]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (form(NPY, CSV, options("{")), "options: the JSON is invalid"),
        (form(NPY, CSV, options("[]")), "must be an object"),
        (form(part("keypoints", b"1", "a" * 20_000), CSV), "including the file name"),
        (form(NPY, CSV, options(b"\xff\xfe")), "options: the JSON is invalid"),
        (form(NPY, CSV, options("[" * 100_000)), "options: the JSON is invalid"),
        (Form(b""), "without its closing boundary"),
        (Form(b"\r\n" * 5000), "without its closing boundary"),
        (Form(b"no form at all"), "malformed"),
        (Form(form(NPY, CSV).body[:-4]), "without its closing boundary"),
        (Form(form(NPY, CSV).body.replace(b'; name="labels"', b"")), "has no name"),
        (Form(form(NPY, CSV).body.replace(b"form-data", b"attachment")), "has no name"),
        (Form(form(NPY, CSV).body.replace(b"Content-Disposition", b"X-Disposition")), "has no name"),
        (Form(form(NPY, CSV).body.replace(b"Content-", b"X: " + b"x" * 100_000 + b"\r\nContent-")), "of 10,000 bytes"),
        (Form(form(NPY, CSV).body.replace(b"Content-", b"X: x\r\n" * 100 + b"Content-")), "8 headers"),
        (Form(form(NPY, CSV).body.replace(b"Content-", b"Con\0tent-")), "malformed"),
        (Form(form(NPY, CSV).body, "multipart/form-data"), "boundary"),
        (Form(form(NPY, CSV).body, "multipart/form-data; boundary="), "boundary"),
        (Form(form(NPY, CSV).body, "multipart/form-data; boundary=" + "x" * 300), "boundary"),
        (Form(form(NPY, CSV).body, "multipart/form-data; boundary=another"), "malformed"),
    ],
)
def test_a_broken_form_is_a_400(bench: Bench, sent: Form, message: str):
    assert message in bench.send(sent).problem(400)["detail"]


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/mixed; boundary=x", ""])
def test_another_content_type_is_a_415(bench: Bench, media_type: str):
    assert "multipart/form-data" in bench.send(Form(b"{}", media_type)).problem(415)["detail"]


def test_a_compressed_form_is_a_415(bench: Bench):
    bench.send(dataset(), content_encoding="gzip").problem(415)


def test_options_in_the_query_are_refused(bench: Bench):
    bench.send(dataset(), "/annotation?dtype=float32").problem(422)


@pytest.mark.parametrize("path", ["/annotation", "/annotation/check"])
def test_an_unacceptable_media_type_is_refused_before_the_body_is_read(bench: Bench, path: str):
    headers = {"accept": "image/png", "content-type": dataset().media_type}
    body = LongBody(b"")
    refused = bench.client.request("POST", path, content=body.blocks(), headers=headers)
    assert "application/json" in refused.problem(406)["detail"]
    assert body.sent == 0


class LongBody:
    """A body of 2,000 blocks after its start, which counts the blocks that were received."""

    def __init__(self, start: bytes, block: bytes = bytes(1 << 20)):
        self.sent = 0
        self._start, self._block = start, block

    async def blocks(self) -> AsyncIterator[bytes]:
        yield self._start
        for _ in range(2_000):
            self.sent += 1
            yield self._block


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (part("nothing", b"", "a")[:-2], 422),
        (options('{"dtype": "int8"}') + part("keypoints", b"", "a.npy")[:-2], 422),
        (options("{}")[:-2], 413),
    ],
)
def test_an_error_is_reported_before_the_whole_body_is_received(bench: Bench, start: bytes, status: int):
    headers = {"content-type": dataset().media_type}
    body = LongBody(start)
    bench.client.request("POST", "/annotation", content=body.blocks(), headers=headers).problem(status)
    assert body.sent < 10


@pytest.mark.slow
def test_a_million_tiny_parts_are_too_many(bench: Bench):
    tiny = b"".join(part("keypoints", b"", "a") for _ in range(1_000))

    async def many() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield tiny

    headers = {"content-type": dataset().media_type}
    problem = bench.client.request("POST", "/annotation", content=many(), headers=headers).problem(422)
    assert problem["setting"] == "HEATSVC_MAX_UPLOAD_FILES"


def test_a_form_within_a_form_is_not_parsed(bench: Bench):
    inner = form(NPY, CSV).body.replace(BOUNDARY.encode(), b"inner")
    assert bench.send(form(CSV, part("options", inner, "form"))).problem(400)


def test_huge_options_are_refused(bench: Bench):
    for bomb in ('{"select": [' + "-1," * 80_000 + "0]}", '{"a": ' * 40_000, '{"types": "' + "x" * 250_000 + '"'):
        response = bench.send(form(NPY, CSV, options(bomb)))
        assert response.status in (400, 422)
        assert len(response.wire) < 2_000
    bench.send(form(NPY, CSV, options(b" " * (1 << 20)))).problem(413)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_the_body_can_be_split_anywhere(bench: Bench, chunk: int):
    body = form(NPY, part("labels", b"x\r\n--\r\n" * 9, "malformed"), part("nothing")).body

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), chunk):
            yield body[at : at + chunk]

    headers = {"content-type": dataset().media_type}
    problem = bench.client.request("POST", "/annotation", content=pieces(), headers=headers).problem(422)
    assert problem["field"] == "nothing"


class TestBounds:
    """The settings of uploads."""

    @pytest.fixture
    def small(self, set_up: Callable[..., Any]) -> Bench:
        bench: Bench = set_up(max_upload_bytes=10_000, max_upload_files=3, max_uploads=1, idle_seconds=0.3)
        return bench

    def test_a_content_length_above_the_limit(self, small: Bench):
        problem = small.send(dataset(keypoints={"a": bytes(20_000)})).problem(413)
        assert (problem["setting"], problem["limit"]) == ("HEATSVC_MAX_UPLOAD_BYTES", 10_000)

    def test_a_chunked_body_above_the_limit(self, small: Bench):
        headers = {"content-type": dataset().media_type}
        body = LongBody(part("keypoints", b"", "a")[:-2], bytes(1_000)).blocks()
        small.client.request("POST", "/annotation", content=body, headers=headers).problem(413)
        assert small.left() == []

    def test_files(self, small: Bench):
        files = {f"{number}.npy": b"" for number in range(20)}
        assert small.send(dataset(keypoints=files)).problem(422)["setting"] == "HEATSVC_MAX_UPLOAD_FILES"
        assert small.left() == []

    def test_a_body_that_stops_arriving(self, small: Bench):
        async def stops() -> AsyncIterator[bytes]:
            yield NPY
            await asyncio.sleep(1)
            yield CSV

        headers = {"content-type": dataset().media_type}
        small.client.request("POST", "/annotation", content=stops(), headers=headers).problem(408)
        assert small.left() == []

    def test_a_body_that_arrives_too_slowly(self, set_up: Callable[..., Any]):
        bench: Bench = set_up(idle_seconds=0.5)

        async def drops() -> AsyncIterator[bytes]:
            for at in range(len(NPY)):
                yield NPY[at : at + 1]
                await asyncio.sleep(0.05)

        headers = {"content-type": dataset().media_type}
        problem = bench.client.request("POST", "/annotation", content=drops(), headers=headers).problem(408)
        assert "4,096 bytes per second" in problem["detail"]
        assert bench.left() == []

    def test_uploads_at_a_time(self, small: Bench):
        uploads = small.client.app.state.service.uploads
        with uploads.slot():
            refused = small.send(dataset())
            assert refused.problem(503)["detail"].endswith("(setting HEATSVC_MAX_UPLOADS)")
            assert int(refused.headers["retry-after"]) > 0
        assert small.send(dataset()).status == 200

    def test_uploads_do_not_count_as_requests_in_flight(self, set_up: Callable[..., Any]):
        bench: Bench = set_up(max_in_flight=2, max_uploads=4)

        async def together() -> list[int]:
            done = asyncio.Event()

            async def body() -> AsyncIterator[bytes]:
                yield NPY
                await done.wait()
                yield dataset().body[len(NPY) :]

            headers = {"content-type": dataset().media_type}
            uploads = [
                asyncio.create_task(bench.client.send("POST", "/annotation", content=body(), headers=headers))
                for _ in range(4)
            ]
            while bench.client.app.state.service.uploads.taken < 4:
                await asyncio.sleep(0.01)
            response: Response = await bench.client.send("GET", "/layouts")
            done.set()
            await asyncio.gather(*uploads)
            return [response.status]

        assert bench.client.wait(together()) == [200]


@pytest.mark.parametrize(("code", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EROFS, 503)])
def test_an_unusable_data_directory(bench: Bench, monkeypatch: pytest.MonkeyPatch, code: int, status: int):
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(bench.client.app.state.service.builds.directory, "new_upload", fail)
    detail = bench.send(dataset()).problem(status)["detail"]
    assert "HEATSVC_DATA_DIR" in detail
    assert os.strerror(code) in detail


def test_a_data_directory_that_is_unusable_and_recovers(set_up: Callable[..., Bench]):
    bench = set_up()
    uploads = bench.data_dir / "uploads"
    bench.send(dataset())
    uploads.rmdir()
    uploads.write_bytes(b"")
    assert "HEATSVC_DATA_DIR" in bench.send(dataset()).problem(503)["detail"]
    uploads.unlink()
    assert bench.send(dataset()).status == 200


def test_readiness_reports_an_unusable_data_directory(set_up: Callable[..., Bench]):
    bench = set_up()
    bench.send(dataset())
    bench.worker.stop()
    folder = bench.data_dir.with_name("moved")
    bench.data_dir.rename(folder)
    bench.data_dir.write_bytes(b"")
    assert "HEATSVC_DATA_DIR" in bench.client.get("/health/ready").problem(503)["detail"]
    bench.data_dir.unlink()
    folder.rename(bench.data_dir)
    assert bench.client.get("/health/ready").status == 200


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 2_000, "a" * 5_000])
def test_a_dataset_name_that_is_too_long(set_up: Callable[..., Bench], tmp_path: Path, name: str):
    bench = set_up(datasets_dir=tmp_path)
    problem = bench.send(dataset(options={"dataset": name}, keypoints={})).problem(422)
    assert problem["field"] == "dataset"
