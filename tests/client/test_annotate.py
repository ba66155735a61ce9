"""`annotate` and `inspect`: upload, progress, failures, and downloads that go on where they broke off."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from heatsvc.annotation.options import AnnotationOptions as ServiceOptions
from heatsvc.client import (
    AnnotationOptions,
    BuildFailedError,
    ConnectionFailedError,
    InvalidResponseError,
    Progress,
    ServiceError,
)
from tests.annotation.keti import KEYPOINTS, TABLES, WORKBOOKS
from tests.client.conftest import Call
from tests.client.servers import Received, ScriptedServer, Service, forward, response, scripted_server
from tests.serving import served

_COUNT = itertools.count()
PICKLE_BYTES = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two keypoint files like no others before them, in a folder, and a table of labels beside it."""
    (tmp_path / "points" / "more").mkdir(parents=True)
    (tmp_path / "points" / "a.npy").write_bytes(b"a%d" % next(_COUNT))
    (tmp_path / "points" / "more" / "영상.npy").write_bytes(b"b")
    (tmp_path / "labels.csv").write_text("a,0\n")
    return tmp_path


@pytest.fixture
def proxy(service: Service) -> Iterator[Callable[..., ScriptedServer]]:
    """A function that starts a proxy before the service, which changes responses as a function says."""
    with ExitStack() as stack:

        def start(change: Callable[[Received, bytes], bytes]) -> ScriptedServer:
            def respond(request: Received) -> bytes:
                return change(request, forward(request, service.url))

            return stack.enter_context(scripted_server(respond))

        yield start


def ranges(server: ScriptedServer) -> list[str | None]:
    """What was asked for of the pickle."""
    return [each.headers.get("range") for each in server.received if is_download(each)]


def is_download(request: Received) -> bool:
    return request.line.startswith("GET") and ".pkl" in request.line


def test_a_dataset(service: Service, call: Call, folder: Path):
    (folder / "train.txt").write_text("a\n")
    dataset = call(
        service.url,
        "annotate",
        folder / "points",
        [str(folder / "labels.csv")],
        folder / "train.txt",
        output=folder / "new" / "out.pkl",
        trim=folder / "labels.csv",
        img_shape=(1080, 1920),
        faulty="drop",
        extra_options={"labels": "names"},
    )
    assert dataset.path == folder / "new" / "out.pkl"
    received = json.loads(dataset.path.read_bytes().partition(b"\n")[0])
    assert list(received["keypoints"]) == ["points.tar"]
    assert received["labels"] == {"labels.csv": "a,0\n"}
    assert (received["split"], received["trim"]) == (["train.txt"], ["labels.csv"])
    assert received["options"] == {"img_shape": [1080, 1920], "faulty": "drop", "labels": "names"}
    assert dataset.path.stat().st_size > PICKLE_BYTES
    assert dataset.build["state"] == "done"
    assert dataset.report == {"faults": [], "clips": 3, "provenance": {"software": "a fake"}}
    assert [path.name for path in (folder / "new").iterdir()] == ["out.pkl"]


def test_all_files_in_an_archive(service: Service, call: Call, folder: Path):
    dataset = call(service.url, "annotate", folder / "points", folder / "labels.csv", output=str(folder / "out.zip"))
    with zipfile.ZipFile(dataset.path) as archive:
        assert archive.testzip() is None
        assert {"annotations.pkl", "report.html", "label_map.json"} <= set(archive.namelist())


def test_a_split_by_a_rule(service: Service, call: Call, folder: Path):
    rule = {"random": {"train": 0.5, "test": 0.5}, "seed": 0}
    dataset = call(service.url, "annotate", folder / "points", folder / "labels.csv", rule, output=folder / "out.pkl")
    received = json.loads(dataset.path.read_bytes().partition(b"\n")[0])
    assert received["options"]["split"] == rule


def test_the_same_input_is_built_once(service: Service, call: Call, folder: Path):
    for name in ("one.pkl", "two.pkl"):
        call(service.url, "annotate", folder / "points", folder / "labels.csv", output=folder / name)
    assert (folder / "one.pkl").read_bytes() == (folder / "two.pkl").read_bytes()
    marker = (folder / "points" / "a.npy").read_bytes().decode()
    built = [each for each in service.worker.built if any(marker in data for data in each["keypoints"].values())]
    assert len(built) == 1


def test_progress(service: Service, call: Call, folder: Path):
    (folder / "labels.csv").rename(folder / "slow")
    seen: list[Progress] = []

    def see(progress: Progress) -> None:
        seen.append(progress)
        if progress == Progress("keypoints", 1, 2, "files"):
            service.worker.go_on.set()

    service.worker.go_on.clear()
    call(service.url, "annotate", folder / "points", folder / "slow", output=folder / "out.pkl", progress=see)
    assert [stage for stage, _ in itertools.groupby(each.stage for each in seen)][-1] == "download"
    assert {"upload", "keypoints", "download"} <= {each.stage for each in seen}
    upload = [each for each in seen if each.stage == "upload"]
    assert upload[-1].done == upload[-1].total
    assert seen[-1].done == seen[-1].total == (folder / "out.pkl").stat().st_size


def test_progress_bars_on_standard_error(
    service: Service, call: Call, folder: Path, capsys: pytest.CaptureFixture[str]
):
    call(service.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl", progress=True)
    out, err = capsys.readouterr()
    for stage in ("upload", "download"):
        assert stage in err
        assert stage not in out


def test_a_build_that_fails(service: Service, call: Call, folder: Path):
    (folder / "labels.csv").rename(folder / "faulty")
    (folder / "out.pkl").write_text("before")
    with pytest.raises(BuildFailedError, match=r"7 videos have no keypoints, and missing is error \(422\)") as caught:
        call(service.url, "annotate", folder / "points", folder / "faulty", output=folder / "out.pkl")
    assert caught.value.problem is not None
    assert caught.value.problem["faults"]["no_file"]["count"] == 7
    assert caught.value.problem["report"] == f"/annotation/{caught.value.build['id']}/files/report.json"
    assert (folder / "out.pkl").read_text() == "before"


def test_a_build_of_labels_that_cannot_be_read(service: Service, call: Call, folder: Path):
    (folder / "labels.csv").rename(folder / "broken")
    with pytest.raises(BuildFailedError) as caught:
        call(service.url, "annotate", folder / "points", folder / "broken", output=folder / "out.pkl")
    assert str(caught.value) == "the label in row 3 is empty: give one (422; field labels, file broken)"


def test_options_are_refused_before_the_keypoints_are_sent(service: Service, call: Call, folder: Path):
    with pytest.raises(ServiceError, match=r"unknown option 'bogus'.* field bogus"):
        call(service.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl", bogus=1)
    with pytest.raises(ValueError, match=r"output must end with \.pkl or \.zip, not be out\.npy"):
        call(service.url, "annotate", folder / "points", folder / "labels.csv", output="out.npy")
    with pytest.raises(FileNotFoundError, match="nothing"):
        call(service.url, "annotate", folder / "nothing", folder / "labels.csv", output=folder / "out.pkl")


def test_a_download_goes_on_where_it_broke_off(
    proxy: Callable[..., ScriptedServer], call: Call, folder: Path, waits: list[float]
):
    """More often than a request is repeated, as long as each time some bytes come."""

    def cut(request: Received, reply: bytes) -> bytes:
        head = reply.index(b"\r\n\r\n") + 4
        return reply[: head + 300_000] if ".pkl" in request.line else reply

    server = proxy(cut)
    dataset = call(
        server.url,
        "annotate",
        folder / "points",
        folder / "labels.csv",
        output=folder / "out.pkl",
        client={"retries": 1},
    )
    assert ranges(server) == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert dataset.path.read_bytes()[-PICKLE_BYTES:] == b"0123456789" * 100_000
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_download_goes_on_in_the_next_call(
    service: Service, proxy: Callable[..., ScriptedServer], call: Call, folder: Path, waits: list[float]
):
    def cut(request: Received, reply: bytes) -> bytes:
        head = reply.index(b"\r\n\r\n") + 4
        if not is_download(request):
            return reply
        return b"" if "range" in request.headers else reply[: head + 300_000]

    server = proxy(cut)
    arguments = [folder / "points", folder / "labels.csv"]
    with pytest.raises(ConnectionFailedError, match="broke"):
        call(server.url, "annotate", *arguments, output=folder / "out.pkl", client={"retries": 1})
    assert not (folder / "out.pkl").exists()
    whole = proxy(lambda _, reply: reply)
    call(whole.url, "annotate", *arguments, output=folder / "out.pkl")
    assert ranges(whole) == ["bytes=300000-"]
    call(service.url, "annotate", *arguments, output=folder / "again.pkl")
    assert (folder / "out.pkl").read_bytes() == (folder / "again.pkl").read_bytes()


def test_a_service_that_ignores_ranges(proxy: Callable[..., ScriptedServer], call: Call, folder: Path):
    """As a proxy may: the whole file comes again."""
    cuts = iter([True])

    def cut(request: Received, reply: bytes) -> bytes:
        if is_download(request):
            if next(cuts, False):
                return reply[:400_000]
            whole = {**request.headers}
            whole.pop("range")
            return forward(Received(request.line, whole, b""), upstream)
        return reply

    upstream = proxy(lambda _, reply: reply).url
    dataset = call(proxy(cut).url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl")
    assert dataset.path.read_bytes().count(b"\n") == 1
    assert dataset.path.read_bytes()[-PICKLE_BYTES:] == b"0123456789" * 100_000


def test_bytes_that_were_damaged_are_not_kept(proxy: Callable[..., ScriptedServer], call: Call, folder: Path):
    server = proxy(lambda request, reply: reply[:-1] + b"!" if is_download(request) else reply)
    with pytest.raises(InvalidResponseError, match=r"out\.pkl was damaged on its way"):
        call(server.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl")
    assert sorted(path.name for path in folder.iterdir()) == ["labels.csv", "points"]


@pytest.mark.parametrize("length", [0, 400_000])
def test_a_file_that_is_always_shorter_than_announced(
    proxy: Callable[..., ScriptedServer], call: Call, folder: Path, length: int
):
    """It is not asked for without end."""

    def shorten(request: Received, reply: bytes) -> bytes:
        if not is_download(request):
            return reply
        head, _, body = reply.partition(b"\r\n\r\n")
        etag = next(line for line in head.decode().split("\r\n") if line.lower().startswith("etag:")).split(": ")[1]
        return response(200, body[:length], "application/octet-stream", {"etag": etag})

    server = proxy(shorten)
    with pytest.raises(InvalidResponseError, match=r"has fewer than its 1,\d+,\d+ bytes"):
        call(server.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl")
    assert len(ranges(server)) <= 2
    assert not (folder / "out.pkl").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../x"},
        {"id": "\x1b"},
        {"id": ""},
        {"state": ["done"]},
        {"state": "running", "progress": 5},
        {"state": "running", "progress": {"stage": ["keypoints"]}},
        {"state": "running", "progress": {"stage": "keypoints", "files_read": "1"}},
        {"artifacts": {"a": 1}},
        {"artifacts": ["annotations.pkl"]},
        {"artifacts": [{"name": "annotations.pkl", "sha256": None}]},
    ],
    ids=str,
)
def test_what_is_no_document_of_a_build(call: Call, folder: Path, changes: dict[str, Any]):
    build = {"id": "a1", "state": "done", "progress": {}, "artifacts": [], **changes}
    with (
        scripted_server([response(202, json.dumps(build).encode(), "application/json")]) as server,
        pytest.raises(InvalidResponseError, match="not the document of a build"),
    ):
        call(server.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl")


def test_a_stage_of_a_build_that_looks_like_markup(call: Call, folder: Path, capsys: pytest.CaptureFixture[str]):
    running = {"id": "a1", "state": "running", "progress": {"stage": "[/red]", "files_read": 1, "files": 2}}

    def respond(request: Received) -> bytes:
        if "/events" in request.line:
            return response(200, b"data: " + json.dumps(running).encode() + b"\n\n", "text/event-stream")
        status = {**running, "state": "failed" if request.line.startswith("GET") else "running"}
        return response(200, json.dumps(status).encode(), "application/json")

    with scripted_server(respond) as server, pytest.raises(BuildFailedError):
        call(server.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "o.pkl", progress=True)
    assert "[/red]" in capsys.readouterr().err


def test_events_that_break_off(proxy: Callable[..., ScriptedServer], call: Call, folder: Path):
    """The build's document is looked at in their place."""
    server = proxy(lambda request, reply: b"" if "/events" in request.line else reply)
    call(server.url, "annotate", folder / "points", folder / "labels.csv", output=folder / "out.pkl")
    assert (folder / "out.pkl").stat().st_size > PICKLE_BYTES


def test_what_is_in_files(service: Service, call: Call, folder: Path):
    np.save(folder / "points" / "a.npy", np.ones((3, 17, 2)))
    contents = call(
        service.url, "inspect", folder / "points" / "a.npy", labels=folder / "labels.csv", img_shape=(64, 64)
    )
    assert contents["keypoints"]["files"] == 1
    assert contents["labels"]["files"][0]["rows"] == 1


def test_the_options_are_the_service_s():
    """Those with the names of files are `extra_options`."""
    assert {*get_type_hints(AnnotationOptions), "labels", "split"} == set(ServiceOptions.model_fields)


@pytest.mark.slow
def test_a_dataset_of_real_files(call: Call, tmp_path: Path):
    """Built by a worker process of the service, as it is without the service."""
    options = {"img_shape": (1080, 1920), "types": ["단어"], "faulty": "drop"}
    labels = [TABLES / name for name in WORKBOOKS]
    with served(tmp_path) as port:
        dataset = call(
            f"http://127.0.0.1:{port}",
            "annotate",
            KEYPOINTS,
            labels,
            TABLES / "split.json",
            output=tmp_path / "KETI.pkl",
            **options,
        )
    assert dataset.report["summary"]["clips"] > 20
