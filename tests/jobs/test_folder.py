"""A build's folder: what is written is what is read, and no path leads out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heatsvc.annotation.artifacts import Artifact
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.progress import Progress
from heatsvc.errors import InputError, LimitError
from heatsvc.jobs.folder import BuildFolder, SavedState, write_json
from heatsvc.jobs.request import BuildRequest, dataset_folder
from heatsvc.jobs.state import StoredResult, error_of, problem_of

ID = "0123456789abcdef" * 2


@pytest.fixture
def folder(tmp_path: Path) -> BuildFolder:
    folder = BuildFolder(tmp_path / "builds", ID)
    folder.uploads.mkdir(parents=True)
    write_json(folder.path / "request.json", request(folder.uploads).as_json(folder.uploads))
    return folder


def request(uploads: Path) -> BuildRequest:
    inputs = Inputs(
        keypoints=(InputFile("a/영상.npy", uploads / "0"), InputFile("b.npy", uploads / "sub" / "1")),
        labels=(InputFile("단어.csv", uploads / "2"),),
        split=(InputFile("split.json", uploads / "3"),),
        trim_folder=uploads / "videos",
    )
    return BuildRequest(inputs, AnnotationOptions(select=None, split={"signer": {"train": ">10"}}), True, 1.5)


@pytest.mark.parametrize("name", ["", "..", "a" * 31, "A" * 32, "a" * 33, "a" * 32 + "\n", "../" + "a" * 29])
def test_id_is_32_hexadecimal_digits(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="is not the id"):
        BuildFolder(tmp_path, name)


def test_request_is_read_as_it_was_written(folder: BuildFolder):
    assert folder.request() == request(folder.uploads)


def test_request_follows_the_folder(folder: BuildFolder):
    moved = BuildFolder(folder.path.parent / "elsewhere", ID)
    moved.path.parent.mkdir()
    folder.path.rename(moved.path)
    assert moved.request() == request(moved.uploads)


def test_request_keeps_a_dataset_by_its_name(tmp_path: Path):
    mounted = tmp_path / "mounted" / "KETI" / "Keypoints"
    mounted.mkdir(parents=True)
    build_request = BuildRequest(Inputs(folder=mounted), AnnotationOptions(), False, 0.0)
    document = json.loads(json.dumps(build_request.as_json(tmp_path / "uploads", tmp_path / "mounted")))
    assert document["inputs"]["folder"] == "datasets/KETI/Keypoints"
    (tmp_path / "mounted").rename(tmp_path / "elsewhere")
    read = BuildRequest.from_json(document, tmp_path / "uploads", tmp_path / "elsewhere")
    assert read.inputs.folder == tmp_path / "elsewhere" / "KETI" / "Keypoints"
    with pytest.raises(AnnotationError, match="dataset 'KETI/Keypoints' does not exist"):
        BuildRequest.from_json(document, tmp_path / "uploads", tmp_path)


@pytest.mark.parametrize(
    "name", ["..", "../secret", "/", "KETI/../../secret", "out", "file", "loop", "a\0b", "x" * 5000]
)
def test_no_name_of_a_dataset_leads_out(tmp_path: Path, name: str):
    root = tmp_path / "datasets"
    (root / "KETI").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    (root / "file").touch()
    with pytest.raises(AnnotationError, match="does not exist: it must be a folder in HEATSVC_DATASETS_DIR"):
        dataset_folder(root, name)


def test_a_dataset_may_be_a_link_within(tmp_path: Path):
    (tmp_path / "KETI").mkdir()
    (tmp_path / "latest").symlink_to("KETI")
    assert dataset_folder(tmp_path, "latest") == (tmp_path / "KETI").resolve()


def test_where_no_datasets_are_mounted_the_error_says_so():
    with pytest.raises(AnnotationError, match="HEATSVC_DATASETS_DIR"):
        dataset_folder(None, "KETI")


def test_state_follows_from_progress_and_result(folder: BuildFolder):
    assert BuildFolder(folder.path.parent, "f" * 32).state() is None

    def state() -> str:
        state = folder.state()
        assert state is not None
        assert state.created == 1.5
        return state.state

    assert state() == "queued"
    folder.write_progress(Progress("keypoints", files_read=3, files=5))
    assert state() == "running"
    assert folder.progress() == Progress("keypoints", files_read=3, files=5)
    folder.publish(StoredResult("failed", (), None, problem_of(RuntimeError()), 2.0))
    assert state() == "failed"
    folder.cancel()
    assert state() == "cancelled"


def test_artifacts_are_visible_once_there_is_a_result(folder: BuildFolder):
    attempt = folder.begin_attempt()
    (attempt / "report.json").write_text('{"clips": 1}')
    assert folder.result() is None
    assert not folder.artifacts.exists()
    artifact = Artifact("report.json", "application/json", 12, "00")
    folder.publish(StoredResult("done", (artifact,), None, None, 2.0), attempt)
    assert (folder.artifacts / "report.json").exists()
    assert folder.result() == StoredResult("done", (artifact,), {"clips": 1}, None, 2.0)
    without = folder.result(report=False)
    assert without is not None
    assert without.report is None


def test_an_attempt_begins_without_files_of_earlier_ones(folder: BuildFolder):
    first = folder.begin_attempt()
    (first / "annotations.pkl").write_bytes(b"half")
    first.rename(folder.artifacts)  # and then the process was killed, before it wrote the result
    second = folder.begin_attempt()
    third = folder.begin_attempt()
    assert not second.exists()
    assert not folder.artifacts.exists()
    assert list(third.iterdir()) == []


def test_the_state_file_is_read_as_it_was_written(folder: BuildFolder):
    assert folder.saved_state() == SavedState()
    for saved in (
        SavedState(2, 7),
        SavedState(1, 0, StoredResult("failed", (), None, {"kind": "full", "detail": "x"}, 2.0)),
    ):
        folder.write_state(saved)
        assert folder.saved_state() == saved


@pytest.mark.parametrize("content", [b"", b"\0" * 80, b"[1]", b'{"attempts": 1, "result": {}}'])
def test_a_damaged_state_file_is_that_of_a_build_never_begun(folder: BuildFolder, content: bytes):
    (folder.path / "state.json").write_bytes(content)
    assert folder.saved_state() == SavedState()


@pytest.mark.parametrize(
    "error",
    [
        AnnotationError("of no use", field="split", file="a.csv", frame=3),
        LimitError("too many", bound="max_frames", limit=10, got=11, field="clips[0]", file="b.npy"),
    ],
)
def test_an_input_error_is_the_same_after_it_was_stored(error: InputError):
    again = error_of(json.loads(json.dumps(problem_of(error))))
    assert isinstance(again, LimitError) == isinstance(error, LimitError)
    assert {**vars(again)} == {**vars(error)}


def test_an_internal_error_says_nothing_about_the_machine():
    problem = problem_of(OSError(28, "No space left on device", "/var/lib/heatsvc/x"))
    assert problem["kind"] == "internal"
    assert "/var" not in problem["detail"]
    assert error_of(problem) is None


@pytest.mark.parametrize("content", [b"", b"\0" * 80, b"[1]", b'{"stage": "keypoints", "speed": 3}'])
def test_damaged_progress_is_none(folder: BuildFolder, content: bytes):
    (folder.path / "progress.json").write_bytes(content)
    assert folder.progress() == Progress("waiting")
