"""Cost of a file before it is refused, and cancelling of reading."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.errors import LimitError
from heatsvc.pose.readers import ReadOptions, clip_from_json, read
from tests.pose.readers.samples import (
    kinetics_frame,
    kinetics_person,
    landmarks,
    npy,
    ntu_body,
    ntu_skeleton,
    openpose_frame,
    table,
    text,
    yolo_line,
    yolo_person,
    zipped,
)

MIB = 1 << 20
POINT = {"keypoints": [[1, 1]], "keypoint_scores": [1]}


def openpose(persons: int) -> bytes:
    return openpose_frame({"pose_keypoints_2d": [1] * 3_000}, *[{"pose_keypoints_2d": []}] * (persons - 1))


def mmpose(persons: int, points: int = 1) -> bytes:
    instance = {"keypoints": [[1, 1]] * points, "keypoint_scores": [1] * points}
    return text([{"frame_id": 0, "instances": [instance] + [POINT] * (persons - 1)}])


def coco(persons: int) -> bytes:
    return text({"images": [{"id": 0}], "annotations": [{"image_id": 0, "face_kpts": None}] * persons})


def results(persons: int) -> bytes:
    return text([{"image_id": 0, "keypoints": [1, 2, 3]}] * persons)


def annotations(count: int) -> bytes:
    keypoint = np.zeros((1, 1_000, 1_000, 2), np.uint8)
    return pickle.dumps([{"keypoint": keypoint, "img_shape": (4, 4), "frame_dir": str(i)} for i in range(count)])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (openpose(5_000), "5,000 persons are too many"),
        (openpose_frame({"pose_keypoints_2d": [1] * 60_000}), "20,000 keypoints are too many"),
        (zipped({"0.json": openpose(64), "1.json": openpose(65)}), "65 persons are too many"),
        (coco(20_000), "65 persons are too many"),
        (mmpose(20_000), "20,000 persons are too many"),
        (mmpose(2, points=20_000), "20,000 keypoints are too many"),
        (text([{"instances": []}] * 20_000), "20,000 frames are too many"),
        (results(20_000), "20,000 persons are too many"),
        (
            text([{"image_id": i, "keypoints": [1, 2, 3]} for i in (*range(6_000), *range(6_001, 12_000))]),
            "12,000 frames",
        ),
        (
            text({"data": [{"frame_index": 10**9, "skeleton": [{"pose": [1, 1], "score": [1]}]}]}),
            "1,000,000,000 frames",
        ),
        (text([{"pose": None}] * 20_000), "10,001 frames are too many"),
        (text([[]] * 20_000 + [[yolo_person(1, 1.0)]]), "20,001 frames are too many"),
        (text([yolo_person(1, 1.0)] * 20_000), "20,000 persons are too many"),
        (yolo_line(5, 0.25) * 20_000, "20,000 persons are too many"),
        (b"0 .5 .5 .5 .5 " + b".5 " * 4_000, "2,000 keypoints are too many"),
        (ntu_skeleton([[""] * 20_000]) + ntu_body(1, 1.0).encode(), "20,000 persons are too many"),
        (table([f"{axis}{i}" for i in range(3) for axis in "xy"], [[0] * 6] * 20_000), "10,001 frames are too many"),
        (table([f"{axis}{i}" for i in range(5_000) for axis in "xy"], [[0] * 10_000]), "5,000 keypoints are too many"),
        (annotations(100), "1,200,000,000 bytes of keypoints are too many"),
        (
            zipped({"keypoint.npy": npy(np.zeros((64, 2_000, 1_000, 2), np.uint8))}),
            "bytes for each byte of the",
        ),
        (npy(np.zeros((64, 1, 20_000, 2), np.uint8)), "20,000 keypoints are too many"),
    ],
    ids=[
        *("openpose-persons", "openpose-points", "openpose-zip", "coco", "mmpose-persons", "mmpose-points"),
        *("mmpose-frames", "results", "results-frames", "kinetics", "mediapipe", "yolo-frames", "yolo-json", "yolo"),
        *("yolo-points", "ntu", "table", "table-points", "annotation", "npz", "npy"),
    ],
)
def test_too_large_clips_are_refused_before_allocation(data: bytes, said: str):
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match=said):
            read(data, options=ReadOptions(img_shape=(4, 4)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB + 24 * len(data)  # the parsed JSON itself


@pytest.mark.parametrize(
    "data",
    [
        zipped({f"{t}.json": openpose(60 if t == 0 else 1) for t in range(100)}),
        text([{"instances": [{"keypoints": [[1, 1]] * 1_000}] * (60 if t == 0 else 0)} for t in range(100)]),
        text({"images": [{"id": t} for t in range(900)], "annotations": [{"image_id": 0, "face_kpts": None}] * 64}),
    ],
    ids=["openpose", "mmpose", "coco"],
)
def test_the_whole_clip_is_bounded_before_it_is_made(data: bytes):
    """60 persons, 100 frames, 1,000 points: 72 MB for a crowd of one frame."""
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="bytes of keypoints are too many"):
            read(data, options=ReadOptions(img_shape=(4, 4), bounds=Bounds(max_unpacked_bytes=10 * MIB)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MIB


def test_nested_lists_are_counted_before_they_are_parsed():
    nested = b"[" * 1_000 + b"]" * 1_000
    with pytest.raises(LimitError, match="100,001 JSON lists and objects are too many"):
        read(b"[" + b",".join([nested] * 100) + b"]", options=ReadOptions(bounds=Bounds(max_input_values=10_000)))


class StoppedError(OSError):
    """Of a kind that damaged files raise as well."""


class CountingToken(CancelToken):
    """Ends the work when it is checked for the `checks` + 1st time."""

    def __init__(self, checks: int):
        super().__init__()
        self.left = checks

    def raise_if_cancelled(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoppedError


CLIP = {"keypoint": [[[1, 1]] * 200_000], "img_shape": [4, 4]}
FAULTY = {"keypoint": [[[1, 1]] * 200_000 + [[1, "a"]]], "img_shape": [4, 4]}


@pytest.mark.parametrize(
    ("data", "checks"),
    [
        (zipped({f"{t}.json": openpose(1) for t in range(20)}), 45),
        (text([{"instances": [POINT]}] * 20), 30),
        (text({"images": [{"id": 0}], "annotations": [{"image_id": 0}] * 20}), 15),
        (text([{"image_id": i, "keypoints": [1, 2, 3]} for i in range(20)]), 30),
        (text({"data": [kinetics_frame(i, kinetics_person(0.5)) for i in range(20)]}), 30),
        (text([{"pose": landmarks(33, 0.5)}] * 20), 50),
        (text([[yolo_person(17, 1.0)]] * 20), 30),
        (ntu_skeleton([[ntu_body(1, 1.0)]] * 20), 30),
        (table([f"{axis}{i}" for i in range(3) for axis in "xy"], [[0.5] * 6] * 2_000), 5),
        (text(CLIP), 4),
        (text(FAULTY), 40),
        (annotations(3), 2),
        (pickle.dumps([0, 1, 2, 3] * 5_000), 3),
        (zipped({"keypoint.npy": npy(np.random.default_rng(0).random((1, 100, 1_000, 2)))}), 10),
    ],
    ids=[
        *("openpose", "mmpose", "coco", "results", "kinetics", "mediapipe", "yolo", "ntu", "table"),
        *("json", "json-fault", "annotation", "pickle", "npz"),
    ],
)
def test_reading_ends_when_cancelled(data: bytes, checks: int):
    with pytest.raises(StoppedError):
        read(data, options=ReadOptions(img_shape=(4, 4), token=CountingToken(checks)))


def test_a_clip_of_a_request_ends_when_cancelled():
    with pytest.raises(StoppedError):
        clip_from_json(json.loads(json.dumps(CLIP)), token=CountingToken(3))
