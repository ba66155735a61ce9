"""Old builds are deleted, unfinished ones are kept."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from heatsvc.jobs.builds import Builds
from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.folder import acquire_lock
from heatsvc.jobs.retention import delete_expired
from heatsvc.settings import Settings
from tests.jobs.helpers import finish, set_age, submit


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


@pytest.fixture
def builds(directory: DataDirectory) -> Builds:
    return Builds(Settings(data_dir=directory.path, build_workers=0))


def test_old_builds_are_deleted(directory: DataDirectory, builds: Builds):
    old, new = submit(builds, b"old").id, submit(builds, b"new").id
    for id, age in ((old, 100), (new, 10)):
        finish(builds, id)
        set_age(builds.folder(id).path / "state.json", age)
    assert delete_expired(directory, Settings(builds_keep_seconds=50)) == [old]
    assert [state.id for state in builds.list()] == [new]


def test_a_build_that_was_submitted_again_is_not_old(directory: DataDirectory, builds: Builds):
    id = submit(builds).id
    finish(builds, id)
    set_age(builds.folder(id).path / "state.json", 100)
    submit(builds)
    assert delete_expired(directory, Settings(builds_keep_seconds=50)) == []


def test_unfinished_builds_are_kept_however_old_and_large(directory: DataDirectory, builds: Builds):
    id = submit(builds).id
    for path in (*builds.folder(id).path.rglob("*"), builds.folder(id).path):
        set_age(path, 1e6)
    assert delete_expired(directory, Settings(builds_keep_seconds=1, builds_keep_bytes=0)) == []
    assert builds.folder(id).request().inputs.keypoints[0].path.exists()


def test_the_oldest_are_deleted_until_the_rest_fits(directory: DataDirectory, builds: Builds):
    ids = [submit(builds, b"%d" % number).id for number in range(4)]
    for number, id in enumerate(ids):
        finish(builds, id, padding=1 << 20)
        set_age(builds.folder(id).path / "state.json", 100 - number)
    assert delete_expired(directory, Settings(builds_keep_bytes=int(2.5 * (1 << 20)))) == ids[:2]


def test_a_locked_build_is_kept(directory: DataDirectory, builds: Builds):
    id = submit(builds).id
    finish(builds, id)
    with acquire_lock(builds.folder(id).lock):
        assert delete_expired(directory, Settings(builds_keep_bytes=0)) == []
    assert delete_expired(directory, Settings(builds_keep_bytes=0)) == [id]


def test_uploads_that_do_not_grow_are_deleted(directory: DataDirectory, builds: Builds):
    abandoned, growing = builds.directory.new_upload(), builds.directory.new_upload()
    for upload in (abandoned, growing):
        (upload / "sub").mkdir()
        (upload / "sub" / "file").touch()
        for path in (upload / "sub" / "file", upload / "sub", upload):
            set_age(path, 100)
    (growing / "sub" / "file").write_bytes(b"more")
    delete_expired(directory, Settings(uploads_keep_seconds=50))
    assert not abandoned.exists()
    assert growing.exists()


def test_what_crashed_processes_left_behind_is_deleted(directory: DataDirectory, builds: Builds):
    (directory.removed / "x").mkdir()
    (directory.removed / "x" / "file").touch()
    (directory.workers / "other-machine.lock").touch()
    held = directory.workers / f"{socket.gethostname()}.lock"
    id = submit(builds).id
    finish(builds, id)
    with acquire_lock(held):
        assert delete_expired(directory, Settings()) == []
    assert list(directory.removed.iterdir()) == []
    assert list(directory.workers.iterdir()) == [held]
    assert not builds.folder(id).uploads.exists()
    assert (builds.folder(id).artifacts / "report.json").exists()


def test_a_cancelled_build_that_was_done_before_is_deleted(directory: DataDirectory, builds: Builds):
    sent = submit(builds)
    finish(builds, sent.id)
    builds.folder(sent.id).cancel()
    assert delete_expired(directory, Settings()) == [sent.id]
    assert builds.get(sent.id) is None
