"""What the service does with builds, while nobody works: placed once, told of, removed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.jobs import builds as builds_module
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.request import BuildRequest
from tests.jobs.places import finish, id_of, send, uploads


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path / "data")


def test_what_is_submitted_is_queued_with_its_files(builds: Builds, tmp_path: Path):
    sent = send(builds)
    assert sent.id == id_of(b"keypoints")
    assert (sent.state, sent.progress.stage, sent.outcome) == ("queued", "waiting", None)
    (file,) = builds.folder(sent.id).request().inputs.keypoints
    assert file.name == "a.npy"
    assert file.path.read_bytes() == b"keypoints"
    assert uploads(tmp_path / "data") == []


@pytest.mark.parametrize("end", [None, ("done", None), ("failed", "input")])
def test_the_same_again_is_the_build_that_is_there(builds: Builds, tmp_path: Path, end: tuple[str, str | None] | None):
    sent = send(builds)
    if end:
        finish(builds, sent.id, *end)
    inode = builds.folder(sent.id).path.stat().st_ino
    again = send(builds)
    assert (again.id, again.state) == (sent.id, end[0] if end else "queued")
    assert builds.folder(sent.id).path.stat().st_ino == inode
    assert uploads(tmp_path / "data") == []


@pytest.mark.parametrize("end", [("failed", "internal"), ("cancelled", None)])
def test_the_same_again_is_built_anew_where_its_input_was_not_at_fault(builds: Builds, end: tuple[str, str | None]):
    finish(builds, send(builds).id, *end)
    again = send(builds)
    assert again.state == "queued"
    assert builds.folder(again.id).uploads.exists()


def test_many_at_once_place_one(builds: Builds, tmp_path: Path):
    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(lambda _: send(builds), range(64)))
    assert {state.state for state in states} == {"queued"}
    assert len(builds.list()) == 1
    assert uploads(tmp_path / "data") == []


def test_many_at_once_replace_a_failed_one_once(builds: Builds, tmp_path: Path):
    finish(builds, send(builds).id, "failed", "internal")
    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(lambda _: send(builds), range(64)))
    assert {state.state for state in states} == {"queued"}
    assert uploads(tmp_path / "data") == []


def test_a_file_elsewhere_is_refused_and_the_upload_kept_for_its_owner(builds: Builds, tmp_path: Path):
    upload = builds.new_upload()
    (tmp_path / "secret").touch()
    for inputs in (Inputs(keypoints=(InputFile("a", tmp_path / "secret"),)), Inputs(folder=tmp_path)):
        with pytest.raises(ValueError, match=r"secret|neither"):
            builds.submit(upload, BuildRequest(inputs, AnnotationOptions(), False, 0.0), "0" * 32)
    assert builds.list() == []


def test_builds_are_listed_newest_first_without_reports(builds: Builds):
    ids = [send(builds, b"%d" % number).id for number in range(5)]
    finish(builds, ids[0])
    states = builds.list()
    assert [state.id for state in states] == ids[::-1]
    assert states[-1].outcome is not None
    assert states[-1].outcome.report is None
    assert [state.id for state in builds.list(2)] == ids[:2:-1]
    done = builds.get(ids[0])
    assert done is not None
    assert done.outcome is not None
    assert done.outcome.report == {"clips": 1}


def test_a_removed_build_is_gone(builds: Builds, tmp_path: Path):
    queued, done = send(builds, b"1"), send(builds, b"2")
    finish(builds, done.id)
    assert builds.remove(queued.id)
    assert builds.remove(done.id)
    assert not builds.remove(done.id)
    assert builds.get(queued.id) is None
    assert builds.list() == []
    assert not list((tmp_path / "data" / "removed").iterdir())


@pytest.mark.parametrize("id", ["", "..", "../../etc", "0" * 31, "g" * 32, "A" * 32])
def test_what_is_no_id_is_no_build(builds: Builds, id: str):
    send(builds)
    assert builds.get(id) is None
    assert not builds.remove(id)
    with pytest.raises(ValueError, match="is no id"):
        builds.folder(id)


def test_an_empty_data_folder_is_not_even_made(tmp_path: Path):
    builds = Builds(tmp_path / "data", workers=1)
    builds.start()
    assert builds.list() == []
    assert builds.get("0" * 32) is None
    builds.stop()
    assert not (tmp_path / "data").exists()


def test_the_client_loads_no_database_until_there_is_one():
    code = "import sys, heatsvc.jobs.builds; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"dbos", "sqlalchemy", "psycopg", "numba"} & set(loaded)


def test_the_same_again_is_built_anew_where_the_one_that_is_there_was_to_be_removed(builds: Builds):
    sent = send(builds)
    finish(builds, sent.id)
    builds.folder(sent.id).cancel()  # and whoever did that died
    assert send(builds).state == "queued"
    assert not builds.folder(sent.id).is_cancelled


def test_nobody_waits_for_a_database_that_somebody_holds(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(builds_module, "_NOTE_SECONDS", 0.3)
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "builds.sqlite")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        # The workers' rounds book them later.
        sent = [send(builds, bytes([number])) for number in range(3)]
        assert [state.state for state in sent] == ["queued"] * 3
        assert builds.remove(sent[0].id)
        assert builds.get(sent[0].id) is None
        builds.stop()
