"""Keypoint files are found wherever they lie, and each is read to the byte."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zstandard

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources.find import find_files
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.errors import LimitError
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import npy, npz, tarred, zipped

FILES = {
    "one.avi.npy": npy(np.full((2, 3, 3), 1, np.float32)),
    "deep/er/two.npy": npy(np.full((3, 3, 3), 2, np.float32)),
    "three.json": b'{"keypoint": [[[1, 2]]], "img_shape": [4, 4]}',
}
BESIDE = {"README.txt": b"not keypoints", "video.avi": b"RIFF", ".DS_Store": b"\0", "deep/._two.npy": b"\0"}


ARCHIVES = {
    "zip": zipped(FILES | BESIDE),
    "stored.zip": zipped(FILES | BESIDE, zipfile.ZIP_STORED),
    "tar": tarred(FILES | BESIDE),
    "tar.gz": gzip.compress(tarred(FILES | BESIDE)),
    "tar.bz2": bz2.compress(tarred(FILES | BESIDE)),
    "tar.xz": lzma.compress(tarred(FILES | BESIDE)),
    "tar.zst": zstandard.compress(tarred(FILES | BESIDE)),
}


def parts(folder: Path, files: Mapping[str, bytes]) -> tuple[InputFile, ...]:
    """Files as they lie after an upload: under numbers."""
    made = []
    for number, (name, data) in enumerate(files.items()):
        path = folder / str(number)
        path.write_bytes(data)
        made.append(InputFile(name, path))
    return tuple(made)


def find(inputs: Inputs, work: Path, bounds=DEFAULT_BOUNDS) -> list[StoredFile]:
    work.mkdir(exist_ok=True)
    return find_files(inputs, AnnotationOptions(), work, bounds, NEVER_CANCELLED).files


def contents(files: list[StoredFile]) -> dict[str, bytes]:
    return {file.name: file.read(DEFAULT_BOUNDS) for file in files}


def test_single_parts_are_files(tmp_path):
    found = find(Inputs(keypoints=parts(tmp_path, FILES)), tmp_path / "work")
    assert contents(found) == FILES
    assert [file.name for file in found] == sorted(FILES)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_hold_files(tmp_path, kind):
    found = find(Inputs(keypoints=parts(tmp_path, {f"all.{kind}": ARCHIVES[kind]})), tmp_path / "work")
    assert contents(found) == FILES


def test_archive_is_detected_by_its_content(tmp_path):
    found = find(Inputs(keypoints=parts(tmp_path, {"keypoints": ARCHIVES["tar.gz"]})), tmp_path / "work")
    assert contents(found) == FILES


def test_packed_tar_is_unpacked_once(tmp_path):
    inputs = Inputs(keypoints=parts(tmp_path, {"all.tar.gz": ARCHIVES["tar.gz"]}))
    find(inputs, tmp_path / "work")
    plain = tmp_path / "work" / "unpacked-0.tar"
    before = plain.stat().st_ino
    find(inputs, tmp_path / "work")
    assert plain.stat().st_ino == before


def test_npz_of_many_videos_is_an_archive(tmp_path):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{"KETI_1.avi": np.ones((2, 3, 3)), "KETI_2": np.ones((1, 3, 3))})
    found = find(Inputs(keypoints=parts(tmp_path, {"all.npz": buffer.getvalue()})), tmp_path / "work")
    assert [file.name for file in found] == ["KETI_1.avi.npy", "KETI_2.npy"]


def test_npz_of_one_clip_is_a_file(tmp_path):
    clip = npz(keypoint=np.ones((2, 3, 2)), img_shape=np.array([4, 4]))
    found = find(Inputs(keypoints=parts(tmp_path, {"clip.npz": clip})), tmp_path / "work")
    assert contents(found) == {"clip.npz": clip}


def test_folder_with_all_below_it(tmp_path):
    folder = tmp_path / "keypoints"
    for name, data in (FILES | BESIDE).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert contents(find(Inputs(folder=folder), tmp_path / "work")) == FILES


def test_no_link_leads_out_of_a_folder(tmp_path):
    folder = tmp_path / "keypoints"
    folder.mkdir()
    (folder / "in.npy").write_bytes(FILES["one.avi.npy"])
    (folder / "linked.npy").symlink_to(folder / "in.npy")
    (tmp_path / "secret.npy").write_bytes(FILES["one.avi.npy"])
    (folder / "out.npy").symlink_to(tmp_path / "secret.npy")
    (folder / "around").symlink_to(tmp_path)
    found = find(Inputs(folder=folder), tmp_path / "work")
    assert [file.name for file in found] == ["in.npy", "linked.npy", "out.npy"]
    with pytest.raises(PoseError, match="a link that leads out of the folder, and is not followed: copy the file"):
        found[2].read(DEFAULT_BOUNDS)


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_openpose_frames_become_clips(tmp_path, packed):
    def frame(x: float) -> bytes:
        return json.dumps({"people": [{"pose_keypoints_2d": [x, 2, 0.5] * 25}]}).encode()

    frames = {f"a/walk_{n:012d}_keypoints.json": frame(n) for n in (10, 2, 1)}
    frames |= {f"b/{n:012d}_keypoints.json": frame(n) for n in range(2)}
    found = find(Inputs(keypoints=parts(tmp_path, {"all": packed(frames)})), tmp_path / "work")
    assert [file.name for file in found] == ["a/walk", "b"]
    (clip,) = read(found[0].read(DEFAULT_BOUNDS), options=ReadOptions(img_shape=(9, 9)))
    assert clip.keypoint[0, :, 0, 0].tolist() == [1, 2, 10]


def test_clips_of_an_annotation_pickle_are_files(tmp_path):
    annotations = [
        {"frame_dir": f"clip {n}", "keypoint": np.full((1, 2, 17, 2), n, np.float16), "img_shape": (8, 9)}
        for n in range(3)
    ]
    data = pickle.dumps({"split": {}, "annotations": annotations})
    found = find(Inputs(keypoints=parts(tmp_path, {"old.pkl": data})), tmp_path / "work")
    assert [file.name for file in found] == ["clip 0", "clip 1", "clip 2"]
    (clip,) = read(found[2].read(DEFAULT_BOUNDS))
    assert (clip.img_shape, clip.keypoint.max(), clip.layout.name) == ((8, 9), 2, "coco17")


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(AnnotationError, match="no keypoint files"):
        find(Inputs(keypoints=parts(tmp_path, {"all.zip": zipped(BESIDE)})), tmp_path / "work")


def chained(kind: bytes, body: bytes) -> bytes:
    """A member with three thousand headers of one kind before it."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, len(body)
    return (info.tobuf(tarfile.GNU_FORMAT) + body.ljust(512, b"\0")) * 3000 + tarred({"one.npy": b"1"})


def with_holes() -> bytes:
    """A sparse member, whose map of holes goes on for as long as there are bytes (GNU sparse format 1.0)."""
    holes = str(10**15).encode() + b"\n" + b"1\n" * (2 << 20)
    info = tarfile.TarInfo("one.npy")
    info.size = len(holes)
    sparse = {"major": "1", "minor": "0", "name": "one.npy", "realsize": "1"}
    info.pax_headers = {f"GNU.sparse.{key}": value for key, value in sparse.items()}
    return info.tobuf(tarfile.PAX_FORMAT) + holes


def damaged_within() -> bytes:
    """The second member's header is overwritten."""
    data = bytearray(tarred({"one.npy": b"1", "two.npy": b"2"}))
    data[1024:1100] = b"\xff" * 76
    return bytes(data)


HOSTILE = {
    "chained names": (chained(tarfile.GNUTYPE_LONGNAME, b"x\0"), "its headers of long names are nested too deeply"),
    "chained records": (chained(tarfile.XHDTYPE, b"5 a=\n"), "its headers of long names are nested too deeply"),
    "endless map of holes": (with_holes(), "larger than 1,048,576 bytes"),
    "damaged within": (damaged_within(), "no valid header after its first 1 members"),
    "cut within a header": (damaged_within()[:1100], "no valid header after its first 1 members"),
    "leads out": (zipped({"../x.npy": b"1"}), "leads out of it"),
    "absolute": (tarred({"/etc/x.npy": b"1"}), "leads out of it"),
    "not an archive": (b"PK\x03\x04" + b"\0" * 50, "damaged"),
    "cut zip": (ARCHIVES["zip"][:-30], "damaged"),
    "cut gzip": (ARCHIVES["tar.gz"][:-30], "damaged"),
    "cut zstd": (ARCHIVES["tar.zst"][:-3], "damaged"),
    "gzip of nothing": (gzip.compress(b""), "no keypoint files|damaged"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_archives_are_refused(tmp_path, what):
    data, why = HOSTILE[what]
    with pytest.raises((PoseError, AnnotationError), match=why):
        find(Inputs(keypoints=parts(tmp_path, {"a": data})), tmp_path / "work")
    assert not list((tmp_path / "work").glob("*.part"))


def test_bounds_are_held(tmp_path):
    small = replace(DEFAULT_BOUNDS, max_dataset_files=2)
    with pytest.raises(LimitError, match="max_dataset_files"):
        find(Inputs(keypoints=parts(tmp_path, {"a": ARCHIVES["tar"]})), tmp_path / "work", small)
    with pytest.raises(LimitError, match="max_dataset_files"):
        find(Inputs(keypoints=parts(tmp_path, FILES)), tmp_path / "work", small)
    tight = replace(DEFAULT_BOUNDS, max_dataset_bytes=300)
    for kind in ("zip", "tar", "tar.gz"):
        with pytest.raises(LimitError, match="max_dataset_bytes"):
            find(Inputs(keypoints=parts(tmp_path, {"a": ARCHIVES[kind]})), tmp_path / "work-2", tight)


def test_bomb_of_zeros_is_refused(tmp_path):
    bomb = gzip.compress(bytes(100 << 20), 9)
    with pytest.raises(LimitError, match="max_archive_ratio"):
        find(Inputs(keypoints=parts(tmp_path, {"a": bomb})), tmp_path / "work")
    (file,) = find(Inputs(keypoints=parts(tmp_path, {"a": zipped({"x.npy": bytes(100 << 20)})})), tmp_path / "work")
    with pytest.raises(LimitError, match="max_archive_ratio"):
        file.read(DEFAULT_BOUNDS)


def test_header_that_promises_gigabytes_of_name_is_refused(tmp_path):
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 4 << 30
    with pytest.raises(PoseError, match="larger than"):
        find(Inputs(keypoints=parts(tmp_path, {"a": info.tobuf() + bytes(2 << 20)})), tmp_path / "work")


def test_zip_directory_that_promises_gigabytes_is_refused(tmp_path):
    body = bytes(200 << 20)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(body), 0, 0)
    with pytest.raises(PoseError, match=r"larger than|damaged"):
        find(Inputs(keypoints=parts(tmp_path, {"a": b"PK\x03\x04" + body[4:] + end})), tmp_path / "work")


def test_member_that_is_damaged_is_reported_when_it_is_read(tmp_path):
    data = bytearray(zipped({"x.npy": FILES["one.avi.npy"] * 50}))
    data[60:90] = bytes(30)
    (file,) = find(Inputs(keypoints=parts(tmp_path, {"a": bytes(data)})), tmp_path / "work")
    with pytest.raises(PoseError, match="damaged"):
        file.read(DEFAULT_BOUNDS)


def test_member_that_begins_beyond_every_file_is_reported_when_it_is_read(tmp_path):
    packed = zipped({"x.npy": b"1"})
    at = packed.index(b"PK\x01\x02")
    entry, end = bytearray(packed[at : at + 46 + 5]), bytearray(packed[at + 46 + 5 :])
    # APPNOTE 4.5.3: the offset is in an extra field, in 8 bytes.
    entry[30:32], entry[42:46] = struct.pack("<H", 12), b"\xff" * 4
    entry += struct.pack("<HHQ", 1, 8, (1 << 64) - 20)
    end[12:16] = struct.pack("<I", len(entry))
    (file,) = find(Inputs(keypoints=parts(tmp_path, {"a": packed[:at] + bytes(entry + end)})), tmp_path / "work")
    with pytest.raises(PoseError, match="damaged where this file should begin"):
        file.read(DEFAULT_BOUNDS)


def test_clips_that_share_an_array_are_bounded_by_what_they_become(tmp_path):
    keypoint, score = np.ones((1, 100, 17, 2), np.float32), np.ones((1, 100, 17), np.float32)
    clip = {"label": 0, "img_shape": (4, 4), "total_frames": 100, "keypoint": keypoint, "keypoint_score": score}
    content = {"split": {}, "annotations": [{"frame_dir": f"v{number}", **clip} for number in range(50)]}
    given = Inputs(keypoints=parts(tmp_path, {"a.pkl": pickle.dumps(content, 4)}))
    assert len(find(given, tmp_path / "work")) == 50
    with pytest.raises(LimitError, match=r"bytes of clips in pickles.*max_dataset_bytes"):
        find(given, tmp_path / "work", replace(DEFAULT_BOUNDS, max_dataset_bytes=500_000))
    with pytest.raises(LimitError, match="max_dataset_files"):
        find(given, tmp_path / "work", replace(DEFAULT_BOUNDS, max_dataset_files=40))
