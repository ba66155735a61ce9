"""One build by one worker: what becomes of each way that it can end."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heatsvc.annotation.artifacts import REPORT, write_atomically
from heatsvc.annotation.build import BuildResult
from heatsvc.annotation.errors import FaultsError
from heatsvc.jobs import worker as worker_module
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.folder import acquire_lock
from heatsvc.jobs.state import BuildState
from heatsvc.jobs.worker import Worker
from heatsvc.settings import Settings
from tests.jobs.helpers import submit

Build = Callable[..., BuildResult]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(worker_module, "_RETRY_SECONDS", 0.0)
    return Settings(data_dir=tmp_path / "data", build_workers=0)


def write_report(folder: Path) -> BuildResult:
    return BuildResult((write_atomically(folder / REPORT, [b'{"clips": 1}']),), {"clips": 1})


def build_once(settings: Settings, build: Build) -> BuildState:
    """Submit a build and let a worker attempt it."""
    builds = Builds(settings)
    id = submit(builds).id
    Worker(settings, build).build_pending()
    state = builds.get(id)
    assert state is not None
    return state


def test_a_finished_build_has_artifacts_and_no_inputs(settings: Settings):
    def build(_inputs: object, _options: object, folder: Path, *, work: Path, **_: Any) -> BuildResult:
        work.mkdir()
        (work / "000000.part").touch()
        return write_report(folder)

    state = build_once(settings, build)
    folder = Builds(settings).folder(state.id)
    assert state.result is not None
    assert state.state == "done"
    assert state.result.report == {"clips": 1}
    assert {path.name for path in folder.path.iterdir()} == {
        *("request.json", "state.json", "progress.json", "artifacts", "lock")
    }


def test_faulty_videos_end_a_build_with_a_report(settings: Settings):
    def build(_inputs: object, _options: object, folder: Path, **_: Any) -> BuildResult:
        written = write_report(folder)
        raise FaultsError("videos cannot be used", written.report, written.artifacts)

    state = build_once(settings, build)
    assert state.state == "failed"
    assert state.result is not None
    assert state.result.report == {"clips": 1}
    assert [artifact.name for artifact in state.result.artifacts] == [REPORT]
    assert state.result.problem is not None
    assert state.result.problem["detail"] == "videos cannot be used"


def test_a_locked_build_is_left_to_the_worker_that_builds_it(settings: Settings):
    def build(*_: Any, **__: Any) -> BuildResult:
        raise AssertionError("it was built")

    builds = Builds(settings)
    id = submit(builds).id
    with acquire_lock(builds.folder(id).lock):
        Worker(settings, build).build_pending()
    state = builds.get(id)
    assert state is not None
    assert state.state == "queued"


def test_a_build_fails_where_the_disk_is_full_in_each_attempt(settings: Settings):
    attempts = []

    def build(*_: Any, **__: Any) -> BuildResult:
        attempts.append(1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for _ in range(2):
        assert build_once(settings, build).result is None
    state = build_once(settings, build)
    assert len(attempts) == 3
    assert state.state == "failed"
    assert state.result is not None
    assert state.result.problem is not None
    assert state.result.problem["kind"] == "full"
    assert "No space left" in state.result.problem["detail"]


def test_a_build_is_resumed_once_its_data_directory_can_be_used(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> BuildResult:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(DataDirectory, "check", lambda _: "read-only")
        assert build_once(settings, fail).result is None
    assert build_once(settings, lambda _inputs, _options, folder, **_: write_report(folder)).state == "done"


def test_an_unreadable_input_is_the_builds_own_failure(settings: Settings):
    def build(*_: Any, **__: Any) -> BuildResult:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), "/datasets/secret")

    state = build_once(settings, build)
    assert state.state == "failed"
    assert state.result is not None
    assert state.result.problem is not None
    assert state.result.problem["kind"] == "internal"
    assert "/datasets" not in state.result.problem["detail"]
