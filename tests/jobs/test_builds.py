"""What the service does with builds while no worker runs: submitted once, described, removed."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.jobs import builds as builds_module
from heatsvc.jobs.builds import Builds, StillEndingError
from heatsvc.jobs.data_directory import DataDirectoryError
from heatsvc.jobs.folder import acquire_lock
from heatsvc.jobs.request import BuildRequest
from heatsvc.settings import Settings
from tests.jobs.helpers import finish, id_of, submit, uploads


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(Settings(data_dir=tmp_path / "data", build_workers=0))


def test_a_submitted_build_is_queued_with_its_files(builds: Builds, tmp_path: Path):
    sent = submit(builds)
    assert sent.id == id_of(b"keypoints")
    assert (sent.state, sent.progress.stage, sent.result) == ("queued", "waiting", None)
    (file,) = builds.folder(sent.id).request().inputs.keypoints
    assert file.name == "a.npy"
    assert file.path.read_bytes() == b"keypoints"
    assert uploads(tmp_path / "data") == []


@pytest.mark.parametrize("end", [None, ("done", None), ("failed", "input")])
def test_an_identical_submission_is_the_existing_build(
    builds: Builds, tmp_path: Path, end: tuple[str, str | None] | None
):
    sent = submit(builds)
    if end:
        finish(builds, sent.id, *end)
    inode = builds.folder(sent.id).path.stat().st_ino
    again = submit(builds)
    assert (again.id, again.state) == (sent.id, end[0] if end else "queued")
    assert builds.folder(sent.id).path.stat().st_ino == inode
    assert uploads(tmp_path / "data") == []


@pytest.mark.parametrize("problem", ["internal", "full", "dataset"])
def test_an_identical_submission_is_built_again_where_not_its_input_alone_was_at_fault(builds: Builds, problem: str):
    finish(builds, submit(builds).id, "failed", problem)
    again = submit(builds)
    assert again.state == "queued"
    assert builds.folder(again.id).uploads.exists()


def test_concurrent_submissions_make_one_build(builds: Builds, tmp_path: Path):
    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(lambda _: submit(builds), range(64)))
    assert {state.state for state in states} == {"queued"}
    assert len(builds.list()) == 1
    assert uploads(tmp_path / "data") == []


def test_concurrent_submissions_replace_a_failed_build_once(builds: Builds, tmp_path: Path):
    finish(builds, submit(builds).id, "failed", "internal")
    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(lambda _: submit(builds), range(64)))
    assert {state.state for state in states} == {"queued"}
    assert uploads(tmp_path / "data") == []


def test_a_folder_that_locking_a_deleted_build_made_again_is_in_nobodys_way(builds: Builds, tmp_path: Path):
    id = submit(builds).id
    assert builds.remove(id)
    shutil.rmtree(builds.folder(id).path, ignore_errors=True)
    builds.folder(id).path.mkdir(parents=True)
    builds.folder(id).lock.touch()
    assert submit(builds).state == "queued"
    assert uploads(tmp_path / "data") == []


def test_a_file_outside_of_the_upload_is_refused(builds: Builds, tmp_path: Path):
    upload = builds.directory.new_upload()
    (tmp_path / "secret").touch()
    for inputs in (Inputs(keypoints=(InputFile("a", tmp_path / "secret"),)), Inputs(folder=tmp_path)):
        with pytest.raises(ValueError, match=r"secret|neither"):
            builds.submit(upload, BuildRequest(inputs, AnnotationOptions(), False, 0.0), "0" * 32)
    assert builds.list() == []
    assert upload.exists()


def test_builds_are_listed_newest_first_without_reports(builds: Builds):
    ids = [submit(builds, b"%d" % number).id for number in range(5)]
    for number, id in enumerate(ids):
        os.utime(builds.folder(id).path / "request.json", (number, number))
    finish(builds, ids[0])
    states = builds.list()
    assert [state.id for state in states] == ids[::-1]
    assert states[-1].result is not None
    assert states[-1].result.report is None
    assert [state.id for state in builds.list(2)] == ids[:2:-1]
    done = builds.get(ids[0])
    assert done is not None
    assert done.result is not None
    assert done.result.report == {"clips": 1}


def test_a_removed_build_is_gone(builds: Builds, tmp_path: Path):
    queued, done = submit(builds, b"1"), submit(builds, b"2")
    finish(builds, done.id)
    assert builds.remove(queued.id)
    assert builds.remove(done.id)
    assert not builds.remove(done.id)
    assert builds.get(queued.id) is None
    assert builds.list() == []
    assert not list((tmp_path / "data" / "removed").iterdir())


def test_a_build_that_does_not_end_is_reported(builds: Builds, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(builds_module, "_END_SECONDS", 0.1)
    id = submit(builds).id
    with acquire_lock(builds.folder(id).lock):
        for work in (lambda: builds.remove(id), lambda: submit(builds)):
            with pytest.raises(StillEndingError):
                work()
        state = builds.get(id)
        assert state is not None
        assert state.state == "cancelled"
    assert submit(builds).state == "queued"


@pytest.mark.parametrize("id", ["", "..", "../../etc", "0" * 31, "g" * 32, "A" * 32])
def test_an_invalid_id_is_no_build(builds: Builds, id: str):
    submit(builds)
    assert builds.get(id) is None
    assert not builds.remove(id)
    with pytest.raises(ValueError, match="is not the id"):
        builds.folder(id)


def test_a_service_without_builds_creates_no_data_directory(tmp_path: Path):
    builds = Builds(Settings(data_dir=tmp_path / "data", build_workers=1))
    builds.start()
    assert builds.list() == []
    assert builds.get("0" * 32) is None
    builds.stop()
    assert not (tmp_path / "data").exists()


def test_the_service_does_not_load_what_only_workers_need():
    code = "import sys, heatsvc.jobs.builds; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"av", "python_calamine", "matplotlib"} & set(loaded)


def test_an_identical_submission_is_built_again_where_the_existing_build_was_cancelled(builds: Builds):
    sent = submit(builds)
    finish(builds, sent.id)
    builds.folder(sent.id).cancel()  # by a service that crashed then
    assert submit(builds).state == "queued"
    assert not builds.folder(sent.id).is_cancelled


def test_a_deleted_data_directory_is_created_again(builds: Builds, tmp_path: Path):
    submit(builds)
    shutil.rmtree(tmp_path / "data")
    assert builds.list() == []
    assert submit(builds).state == "queued"


@pytest.mark.parametrize(("code", "is_full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EROFS, False)])
def test_a_data_directory_that_cannot_be_written_is_reported(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_full: bool
):
    submit(builds, b"before")

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code), str(tmp_path))

    upload = builds.directory.new_upload()
    (upload / "0").touch()
    request = BuildRequest(Inputs(keypoints=(InputFile("a", upload / "0"),)), AnnotationOptions(), False, 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(builds_module, "write_json", fail)
        with pytest.raises(DataDirectoryError) as raised:
            builds.submit(upload, request, "0" * 32)
    assert raised.value.is_full is is_full
    assert os.strerror(code) in raised.value.reason
    assert "HEATSVC_DATA_DIR" in raised.value.reason
    assert str(tmp_path) not in raised.value.reason
    assert uploads(tmp_path / "data") == []
    assert submit(builds, b"after").state == "queued"


def test_a_file_in_place_of_the_data_directory_is_reported(tmp_path: Path):
    (tmp_path / "data").touch()
    builds = Builds(Settings(data_dir=tmp_path / "data", build_workers=0))
    for work in (builds.directory.new_upload, builds.list, lambda: builds.remove("0" * 32)):
        with pytest.raises(DataDirectoryError, match="Not a directory") as raised:
            work()
        assert not raised.value.is_full
