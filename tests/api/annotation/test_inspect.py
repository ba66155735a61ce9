"""POST /annotation/inspect: what is in a dataset's files, part by part, and nothing of them is kept."""

from __future__ import annotations

import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.annotation.conftest import Bench
from tests.api.annotation.forms import Form, form, part

KETI = Path(__file__).parents[2] / "data" / "keti-mini"
PATH = "/annotation/inspect"
LABELS = "name,label\na,안녕\nb,네\n"


@pytest.fixture(autouse=True)
def keeps_nothing(bench: Bench):
    built = len(bench.worker.built)
    yield
    assert bench.left() == []
    assert len(bench.worker.built) == built


def inspected(bench: Bench, *parts: bytes, options: dict[str, Any] | None = None) -> Any:
    more = [] if options is None else [part("options", json.dumps(options).encode())]
    response = bench.send(form(*parts, *more), PATH)
    assert response.status == 200, response.wire
    return response.json()


def keti(name: str, *globs: str) -> list[bytes]:
    return [part(name, path.read_bytes(), path.name) for glob in globs for path in sorted(KETI.glob(glob))]


def test_a_whole_dataset(bench: Bench):
    found = inspected(
        bench,
        *keti("keypoints", "Keypoints-MMPOSE/*"),
        *keti("labels", "Annotation/*.xlsx"),
        *keti("split", "Annotation/split.json"),
    )
    assert (found["keypoints"]["files"], found["keypoints"]["names"][0]) == (39, "KETI_SL_0000000001")
    sample = found["keypoints"]["samples"][0]
    assert (sample["persons"], sample["frames"], sample["points"]) == (1, 73, 133)
    assert (sample["layout"], sample["img_shape"], sample["problem"]) == ("coco_wholebody", None, None)
    assert [file["rows"] for file in found["labels"]["files"]] == [15, 26]
    assert (found["labels"]["videos"], found["labels"]["classes"]) == (41, 10)
    assert found["split"]["splits"] == [{"name": "train", "videos": 24}, {"name": "test", "videos": 12}]
    videos = found["videos"]
    assert (videos["labelled"], videos["with_keypoints"], videos["ready"], videos["unlabelled"]) == (41, 38, 35, 1)
    assert videos["without_keypoints"][0] == "KETI_SL_0000000009"
    assert videos["faults"] == {"in_no_split": 5}


def test_what_was_not_sent_is_null(bench: Bench):
    assert inspected(bench) == {"keypoints": None, "labels": None, "split": None, "videos": None}


def test_labels_alone_with_the_encoding_that_was_assumed(bench: Bench):
    found = inspected(bench, part("labels", LABELS.encode("cp949"), "labels.csv"))
    (file,) = found["labels"]["files"]
    assert (file["encoding"], file["assumed"], file["labels"]) == ("cp949", True, ["안녕", "네"])
    assert (found["keypoints"], found["videos"]) == (None, None)


def test_names_alone_of_files_without_bytes(bench: Bench):
    found = inspected(
        bench,
        part("keypoints", b"", "a.npy"),
        part("keypoints", b"", "folder/c.npy"),
        part("labels", LABELS.encode(), "labels.csv"),
    )
    assert found["keypoints"]["names"] == ["a", "folder/c"]
    assert found["keypoints"]["samples"] == []
    assert (found["videos"]["with_keypoints"], found["videos"]["unlabelled"]) == (1, 1)


def test_a_column_of_splits(bench: Bench):
    found = inspected(bench, part("labels", b"name,label,subset\na,x,val\nb,y,train\n", "labels.csv"))
    assert found["split"]["column"] == "subset"
    assert found["split"]["splits"] == [{"name": "train", "videos": 1}, {"name": "val", "videos": 1}]


def test_the_options_count(bench: Bench):
    found = inspected(
        bench,
        *keti("keypoints", "Keypoints-MMPOSE/*01.avi.npy"),
        *keti("labels", "Annotation/*.xlsx"),
        options={"img_shape": [1080, 1920], "types": ["단어"], "split": {"random": {"train": 0.5, "test": 0.5}}},
    )
    assert found["keypoints"]["samples"][0]["img_shape"] == [1080, 1920]
    assert found["labels"]["filtered"] == {"types": 41 - found["labels"]["videos"]}
    assert sum(split["videos"] for split in found["split"]["splits"]) == found["labels"]["videos"]


def test_names_that_do_not_match(bench: Bench):
    found = inspected(
        bench, part("keypoints", b"", "signer1_color.npy"), part("labels", b"name,label\nsigner1,x\n", "labels.csv")
    )
    assert '{"file_suffix": "_color"}' in found["videos"]["mismatch"]


def test_a_broken_file_hides_nothing_of_the_others(bench: Bench):
    found = inspected(
        bench,
        part("keypoints", b"no keypoints", "a.npy"),
        part("labels", b"name,label\na,x\na,y\n", "labels.csv"),
        part("split", b'{"train": ["a"]}', "split.json"),
    )
    assert "a.npy" in found["keypoints"]["samples"][0]["problem"]["detail"]
    assert "row 2" in found["labels"]["problem"]["detail"]
    assert "row 3" in found["labels"]["problem"]["detail"]
    assert found["split"]["splits"] == [{"name": "train", "videos": 1}]
    assert found["videos"] is None


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        (form(part("trim", b"{}", "trim.json")), 422, "trim"),
        (form(part("options", b'{"dtype": "int8"}')), 422, "dtype"),
        (form(part("options", b'{"dataset": "x"}')), 422, "dataset"),
        (Form(b"{}", "application/json"), 415, "Content-Type"),
    ],
)
def test_what_is_refused(bench: Bench, sent: Form, status: int, field: str):
    assert bench.send(sent, PATH).problem(status)["field"] == field


def test_a_query_is_refused(bench: Bench):
    bench.send(form(), f"{PATH}?dtype=float32").problem(422)


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(size: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        member = tarfile.TarInfo("a.npy")
        member.size = size
        archive.addfile(member, io.BytesIO(bytes(size)))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "filename", "data"),
    [
        ("keypoints", "bomb.zip", lambda: zipped({"a.npy": bytes(100 << 20)})),
        pytest.param("keypoints", "bomb.tar.xz", lambda: tarred(100 << 20), marks=pytest.mark.slow),
        ("labels", "bomb.zip", lambda: zipped({"labels.csv": bytes(100 << 20)})),
        ("labels", "commas.csv", lambda: b"," * (10 << 20)),
        ("labels", "deep.json", lambda: b"[" * (1 << 20)),
        pytest.param("labels", "lists.json", lambda: b"[" + b"[]," * 4_000_000 + b"[]]", marks=pytest.mark.slow),
        ("split", "many.json", lambda: json.dumps({f"s{number}": ["a"] for number in range(2_000)}).encode()),
    ],
)
def test_a_bomb_is_a_problem_of_its_part(bench: Bench, name: str, filename: str, data: Callable[[], bytes]):
    section = inspected(bench, part(name, data(), filename))[name]
    problems = [section["problem"], *(sample["problem"] for sample in section.get("samples", ()))]
    assert any(problems)


def test_random_damage_is_a_problem_and_nothing_else(bench: Bench):
    chance = random.Random(14)
    files = [("keypoints", path.read_bytes(), path.name) for path in sorted(KETI.glob("Keypoints-MMPOSE/*"))[:2]]
    files += [("labels", path.read_bytes(), path.name) for path in sorted(KETI.glob("Annotation/*.csv"))]
    files += [("labels", path.read_bytes(), path.name) for path in sorted(KETI.glob("Annotation/*2018*.xlsx"))]
    files += [("split", path.read_bytes(), path.name) for path in sorted(KETI.glob("Annotation/split.json"))]
    for _ in range(3):
        parts = []
        for name, data, filename in files:
            damaged = bytearray(data[: chance.randrange(1, len(data))] if chance.random() < 0.5 else data)
            for _ in range(chance.randrange(1, 20)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            parts.append(part(name, bytes(damaged), filename))
        assert set(inspected(bench, *parts)) == {"keypoints", "labels", "split", "videos"}


def test_too_many_files(set_up: Callable[..., Bench]):
    bench = set_up(max_upload_files=3)
    sent = form(*(part("keypoints", b"", f"{number}.npy") for number in range(20)))
    assert bench.send(sent, PATH).problem(422)["setting"] == "HEATSVC_MAX_UPLOAD_FILES"
    assert bench.left() == []


def test_it_takes_its_memory_from_that_for_parsing(set_up: Callable[..., Bench]):
    bench = set_up(admission_seconds=0.1)
    service = bench.client.app.state.service
    assert service.working_memory.try_acquire(service.working_memory.limit)
    problem = bench.send(form(part("labels", LABELS.encode(), "labels.csv")), PATH).problem(503)
    assert "HEATSVC_WORKING_MEMORY_BYTES" in problem["detail"]
    service.working_memory.release(service.working_memory.limit)
    assert bench.left() == []


def test_what_takes_too_long_is_ended(set_up: Callable[..., Bench]):
    bench = set_up(request_seconds=0.01)
    problem = bench.send(form(part("labels", LABELS.encode(), "labels.csv")), PATH).problem(422)
    assert "it took more than 0.01 seconds" in problem["detail"]
    assert bench.left() == []
