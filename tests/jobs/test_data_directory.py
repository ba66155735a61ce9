"""A data directory that cannot be used is reported, with the reason."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from heatsvc.jobs.data_directory import DataDirectory, DataDirectoryError, data_directory_errors


def test_a_directory_that_can_be_used_has_no_problem(tmp_path: Path):
    directory = DataDirectory(tmp_path / "data")
    assert directory.check() is None
    assert not directory.path.exists()
    directory.create()
    assert directory.check() is None
    assert {path.name for path in directory.path.iterdir()} == {"builds", "uploads", "removed", "workers"}


def test_a_relative_directory_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert DataDirectory(Path("data")).check() is None


@pytest.mark.parametrize("name", ["data", "data/below"])
def test_a_file_in_its_place_is_reported(tmp_path: Path, name: str):
    (tmp_path / "data").touch()
    problem = DataDirectory(tmp_path / name).check()
    assert problem is not None
    assert "Not a directory" in problem
    assert "HEATSVC_DATA_DIR" in problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", ["data", "data/below"])
def test_a_directory_without_write_permission_is_reported(tmp_path: Path, name: str):
    (tmp_path / "data").mkdir(mode=0o500)
    assert "cannot be used" in (DataDirectory(tmp_path / name).check() or "")


@pytest.mark.parametrize(("code", "word"), [(errno.EROFS, "cannot be used"), (errno.ENOSPC, "is full")])
def test_a_write_that_fails_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, word: str):
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    directory = DataDirectory(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        problem = directory.check()
    assert problem is not None
    assert word in problem
    assert os.strerror(code) in problem
    assert directory.check() is None


@pytest.mark.parametrize(
    ("code", "is_full"),
    [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EFBIG, True), (errno.EROFS, False), (errno.EACCES, False)],
)
def test_errors_say_whether_the_disk_is_full(code: int, is_full: bool):
    with pytest.raises(DataDirectoryError) as raised, data_directory_errors():
        raise OSError(code, os.strerror(code), "/secret")
    assert raised.value.is_full is is_full
    assert raised.value.errno == code
    assert str(raised.value) == raised.value.reason
    assert "/secret" not in raised.value.reason


def test_discarding_is_complete_and_may_be_repeated(tmp_path: Path):
    directory = DataDirectory(tmp_path)
    upload = directory.new_upload()
    (upload / "file").touch()
    directory.discard(upload)
    directory.discard(upload)
    assert not upload.exists()
    assert list(directory.removed.iterdir()) == []
