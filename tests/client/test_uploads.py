"""Folders as tar archives that are made while they are sent."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from heatsvc.client.uploads import file_part, folder_part, table_parts


def archive_of(folder: Path) -> bytes:
    _, (_, reader, _) = folder_part("keypoints", folder)
    return reader.read()


def members(data: bytes) -> dict[str, bytes | str]:
    """Files by name, and the targets of links."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {
            member.name: member.linkname if member.issym() else archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
        }


def test_a_part_is_named_after_the_folder(tmp_path: Path):
    name, (file_name, _, media_type) = folder_part("keypoints", tmp_path)
    assert (name, file_name, media_type) == ("keypoints", f"{tmp_path.name}.tar", "application/x-tar")


def test_files_of_all_sizes_and_names(tmp_path: Path):
    files = {
        "empty.npy": b"",
        "a/block.npy": bytes(512),
        "a/more.npy": bytes(range(256)) * 4001,
        "수어 영상/1.Training/영상.npy": b"1",
        f"{'long' * 30}/{'name' * 50}.npy": b"2",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    for name in (".hidden", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert members(archive_of(tmp_path)) == files


def test_the_length_is_known_before(tmp_path: Path):
    (tmp_path / ("n" * 200)).write_bytes(b"12345")
    _, (_, reader, _) = folder_part("keypoints", tmp_path)
    length = reader.seek(0, os.SEEK_END)
    reader.seek(0)
    assert len(reader.read()) == length
    assert length % 512 == 0


def test_equal_folders_are_equal_archives(tmp_path: Path):
    archives = []
    for parent, order in (("x", "ab"), ("y", "ba")):
        folder = tmp_path / parent / "same"
        folder.mkdir(parents=True)
        for index, name in enumerate(order):
            (folder / name).write_text(name)
            os.utime(folder / name, (index, index))
            (folder / name).chmod(0o600 + 0o44 * index)
        archives.append(archive_of(folder))
    assert archives[0] == archives[1]


def test_links_within_the_folder_are_followed(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "b").symlink_to("a")
    (tmp_path / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "broken").symlink_to("nothing")
    assert members(archive_of(folder)) == {
        "a": b"a",
        "b": b"a",
        "broken": "nothing",
        "out": str(tmp_path / "secret"),
    }


def test_a_folder_is_not_held_in_memory(tmp_path: Path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(100 << 20)
    _, (_, reader, _) = folder_part("keypoints", tmp_path)
    reader.seek(0)
    tracemalloc.start()
    try:
        size = 0
        while block := reader.read(64 << 10):
            size += len(block)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 100 << 20
    assert peak < 4 << 20


def test_a_file_that_changes_meanwhile(tmp_path: Path):
    path = tmp_path / "a.npy"
    path.write_bytes(bytes(1_000))
    _, (_, reader, _) = folder_part("keypoints", tmp_path)
    reader.seek(0)
    path.write_bytes(bytes(1_500))  # not complete when the archive's length was announced
    with pytest.raises(OSError, match=r"a\.npy has changed since its upload began"):
        reader.read()


def test_a_pipe_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(OSError, match=r"pipe\.npy is a pipe or a device"):
        file_part("file", tmp_path / "pipe.npy")


def test_a_name_that_is_not_utf_8(tmp_path: Path):
    path = tmp_path / os.fsdecode(b"clip\xff.npy")
    path.write_bytes(b"")
    assert file_part("file", path)[1][0] == "clip\ufffd.npy"


def test_tables_of_a_folder_are_parts_of_their_own(tmp_path: Path):
    (tmp_path / "more").mkdir()
    for name in ("b.csv", "more/a.xlsx"):
        (tmp_path / name).write_text(name)
    parts = table_parts("labels", [tmp_path, tmp_path / "b.csv"])
    assert [(name, file_name) for name, (file_name, _, _) in parts] == [
        ("labels", "b.csv"),
        ("labels", "a.xlsx"),
        ("labels", "b.csv"),
    ]
