"""Hostile archives and pickles: bombs, paths out of the archive, code."""

from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest

from tests.api.client import NPZ, PIPELINE, Client, Response
from tests.pose.readers.samples import annotation, npy, npz, openpose_frame, pickled, triples, zipped
from tests.serving import ROOT

OPTIONS = {"img_shape": [64, 64], "pipeline": PIPELINE}
FRAME = openpose_frame({"pose_keypoints_2d": triples(25, 5.0)})


def send(client: Client, name: str, data: bytes) -> Response:
    return client.post_files({name: data}, OPTIONS)


class Call:
    """Pickled, it is a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def test_a_zip_bomb_is_refused_before_it_is_unpacked(client: Client) -> None:
    bomb = zipped({f"f_{i}.json": bytes(20 << 20) for i in range(3)})
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        problem = send(client, "v.zip", bomb).problem(422)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problem["setting"] == "HEATSVC_MAX_ARCHIVE_RATIO"
    assert peak < 8 << 20


def test_a_member_that_lies_about_its_size_is_refused(client: Client) -> None:
    data = zipped({"keypoint.npy": bytes(20 << 20)})
    lying = data.replace(struct.pack("<I", 20 << 20), struct.pack("<I", 100))
    assert "archive" in client.post(lying, NPZ, {"img_shape": "4,4"}).problem(422)["detail"]


def test_members_that_overlap_gain_nothing(client: Client) -> None:
    data = bytearray(zipped({f"a_{i:03}.json": bytes(1 << 20) for i in range(8)}))
    first = data.index(b"PK\1\2")
    offset = data[first + 42 : first + 46]
    for i in range(1, 8):
        record = data.index(b"PK\1\2", first + i * 40)
        data[record + 42 : record + 46] = offset
    send(client, "v.zip", bytes(data)).problem(422)


@pytest.mark.parametrize("name", ["../f_0.json", "a/../../f_0.json", "/etc/f_0.json", "C:\\f_0.json", "..\\f_0.json"])
def test_names_that_lead_out_of_the_archive_are_refused(client: Client, name: str) -> None:
    problem = send(client, "v.zip", zipped({name: FRAME})).problem(422)
    assert problem["file"] == "v.zip"
    assert "leads out of it: names must be relative" in problem["detail"]


def test_a_file_s_own_name_is_only_a_name(client: Client) -> None:
    files = {"../../etc/a.npy": npy(np.ones((1, 3, 2))), "C:\\b\\c.npy": npy(np.ones((1, 3, 2)))}
    assert set(client.post_files(files, OPTIONS).tensors()) == {"a", "c"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(client: Client, method: int) -> None:
    problem = send(client, "v.zip", zipped({"f_0.json": FRAME}, method)).problem(422)
    assert "uses an unsupported compression method" in problem["detail"]


def test_a_damaged_archive_is_reported(client: Client) -> None:
    data = npz(keypoint=np.ones((1, 3, 2)))
    for damaged in (data[:-10], data[:40] + b"\xff\xff\xff" + data[43:], data[:4]):
        problem = client.post(damaged, NPZ, {"img_shape": "4,4"}).problem(422)
        assert "archive" in problem["detail"]


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_calls_is_refused_and_not_run(client: Client, protocol: int, tmp_path: Any) -> None:
    done = tmp_path / "done"
    data = pickled({"annotations": [Call(os.system, f"touch {done}")]}, protocol)
    problem = send(client, "a.pkl", data).problem(422)
    assert "the pickle refers to 'posix.system'" in problem["detail"]
    assert problem["file"] == "a.pkl"
    assert not done.exists()


@pytest.mark.parametrize("function", [eval, getattr, np.load, np.zeros, bytearray, open, pickle.loads])
def test_no_function_is_called(client: Client, function: Any) -> None:
    problem = send(client, "a.pkl", pickled({"annotations": [Call(function, "1")]})).problem(422)
    assert "the pickle is refused" in problem["detail"]


def billion_elements() -> bytes:
    """A list of ten, in a list of ten, nine levels deep: each level is the one below ten times over."""
    opcodes = b"\x80\x04]\x94(" + b"K\1" * 10 + b"e"
    for level in range(8):
        opcodes += b"0]\x94(" + (b"h" + bytes([level])) * 10 + b"e"
    return opcodes + b"."


def bytes_of_a_billion() -> bytes:
    return b"\x80\x04B" + struct.pack("<I", 1_000_000_000) + b"x."


def array_of_a_billion() -> bytes:
    empty = pickled({"annotations": [{**annotation(), "keypoint": np.zeros((1, 1, 1, 2), np.float32)}]})
    return empty.replace(b"K\1K\1K\1K\2t", b"J" + struct.pack("<i", 10**9) + b"K\1K\1K\2t")


@pytest.mark.parametrize("make", [billion_elements, bytes_of_a_billion, array_of_a_billion])
def test_a_few_opcodes_make_no_billion(client: Client, make: Any) -> None:
    data = make()
    assert len(data) < 2000
    tracemalloc.start()
    try:
        problem = send(client, "a.pkl", data).problem(422)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problem["file"] == "a.pkl"
    assert peak < 8 << 20


@pytest.mark.parametrize("name", ["empty.pkl", "empty2.pkl", "scalarU1.pkl"])
def test_pickles_without_annotations_are_refused(client: Client, name: str) -> None:
    problem = send(client, name, (ROOT / "tests" / "data" / "attack" / name).read_bytes()).problem(422)
    assert problem["file"] == name


def test_a_truncated_archive_is_reported(client: Client) -> None:
    data = pickled({"annotations": [annotation()]})
    for cut in (1, 20, len(data) // 2):
        assert "the pickle is" in send(client, "a.pkl", data[:-cut]).problem(422)["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"keypoint": None}, "annotations[0].keypoint"),
        ({"keypoint": [[1, 2]]}, "annotations[0].keypoint"),
        ({"keypoint": np.ones((1, 3, 17, 5))}, "annotations[0].keypoint"),
        ({"keypoint": np.full((1, 3, 17, 2), np.inf)}, "annotations[0].keypoint"),
        ({"keypoint_score": np.ones((1, 3, 16))}, "annotations[0].keypoint_score"),
        ({"img_shape": (0, 4)}, "annotations[0].img_shape"),
        ({"img_shape": ("4", 4)}, "annotations[0].img_shape"),
        ({"total_frames": 4}, "annotations[0].total_frames"),
        ({"label": "4"}, "annotations[0].label"),
        ({"frame_dir": 4}, "annotations[0].frame_dir"),
        ({"frame_dir": "a\nb"}, "annotations[0].frame_dir"),
        ({"frame_dir": "a" * 300}, "annotations[0].frame_dir"),
    ],
)
def test_an_annotation_is_reported_by_its_index(client: Client, change: dict[str, Any], field: str) -> None:
    problem = send(client, "a.pkl", pickled({"annotations": [{**annotation(), **change}]})).problem(422)
    assert (problem["field"], problem["file"]) == (field, "a.pkl")


def test_half_a_surrogate_pair_is_no_name(client: Client) -> None:
    data = pickle.dumps({"annotations": [annotation("a\ud800b")]}, 0)
    assert send(client, "a.pkl", data).problem(422)["field"] == "annotations[0].frame_dir"
