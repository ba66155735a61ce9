"""Result files of pose estimators and data sets: the same positions from `/heatmap`, a build and the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.api.client import PIPELINE, Client
from tests.cases.datasets import CASES, build_dataset
from tests.pose.readers.samples import (
    kinetics_frame,
    kinetics_person,
    landmarks,
    ntu_body,
    ntu_skeleton,
    table,
    text,
    zipped,
)


def test_alphaposes_results(client: Client, tmp_path: Path) -> None:
    data = (CASES / "11_coco_results" / "alphapose-results.json").read_bytes()
    entries = json.loads(data)
    options = {"img_shape": [400, 600], "pipeline": PIPELINE, "select": [0], "dtype": "uint8"}
    rendered = client.post_files({"v.json": data}, options).array()
    assert rendered.shape == (70, 1, 400, 600)
    for t in (0, 1, 69):
        x, y, _ = entries[t]["keypoints"][:3]
        left, top = peak(rendered[t, 0])
        assert (abs(left - x) <= 1, abs(top - y) <= 1) == (True, True)
    made = build_dataset(tmp_path, {"v": "a"}, {"v.json": data}, img_shape=(400, 600))
    right = np.array([entry["keypoints"] for entry in entries], np.float32).reshape(70, 17, 3)
    assert (made.keypoint["v"] == right[None, ..., :2]).all()
    assert made.report["faults"] == []


def test_a_video_of_kinetics_skeleton(client: Client, tmp_path: Path) -> None:
    data = text({"data": [kinetics_frame(t + 1, kinetics_person(t / 8)) for t in range(3)], "label_index": 3})
    rendered = client.post_files({"v.json": data}, {"img_shape": [64, 128], "pipeline": PIPELINE}).array()
    assert rendered.shape == (3, 18, 64, 128)
    assert [peak(image[0]) for image in rendered] == [(0, 32), (16, 40), (32, 48)]
    made = build_dataset(tmp_path, {"v": "a"}, {"v.json": data}, img_shape=(64, 128))
    assert made.keypoint["v"][0, :, 0].tolist() == [[0, 32], [16, 40], [32, 48]]


def test_a_skeleton_of_ntu(client: Client, tmp_path: Path) -> None:
    name = "S001C001P001R001A001"
    data = ntu_skeleton([[ntu_body(7, 30.0)], [ntu_body(8, 99.0), ntu_body(7, 31.0, state=1)]])
    rendered = client.post_files({f"{name}.skeleton": data}, {"pipeline": PIPELINE, "select": [3]}).array()
    assert rendered.shape == (2, 1, 1080, 1920)
    assert [peak(image[0]) for image in rendered] == [(33, 34), (102, 103)]
    made = build_dataset(tmp_path, {name: "a"}, {"all.zip": zipped({f"nturgb+d_skeletons/{name}.skeleton": data})})
    assert made.keypoint[name][:, :, 3].tolist() == [[[33, 34], [34, 35]], [[0, 0], [102, 103]]]


def test_landmarks_of_mediapipe(client: Client, tmp_path: Path) -> None:
    frames = [{"poseLandmarks": landmarks(33, t / 8), "leftHandLandmarks": landmarks(21, t / 4)} for t in (1, 2, 3)]
    data = text(frames)
    options = {"img_shape": [64, 128], "pipeline": PIPELINE, "select": "sign27"}
    rendered = client.post_files({"v.json": data}, options).array()
    assert rendered.shape == (3, 27, 64, 128)
    assert [peak(image[0]) for image in rendered] == [(16, 4), (32, 8), (48, 12)]
    assert [peak(image[7]) for image in rendered] == [(32, 8), (64, 16), (96, 24)]
    made = build_dataset(tmp_path, {"v": "a"}, {"v.json": data}, img_shape=(64, 128))
    assert made.keypoint["v"][0, :, 0].tolist() == [[16, 4], [32, 8], [48, 12]]


def test_a_table_of_mediapipe(client: Client, tmp_path: Path) -> None:
    columns = [f"{axis}{i}" for i in range(33) for axis in "xyzv"]
    data = table(columns, [[t / 8, t / 16, -0.5, 0.5] * 33 for t in (1, 2, 3)])
    rendered = client.post_files({"v.csv": data}, {"img_shape": [64, 128], "pipeline": PIPELINE}).array()
    assert rendered.shape == (3, 33, 64, 128)
    assert [peak(image[32]) for image in rendered] == [(16, 4), (32, 8), (48, 12)]
    assert float(rendered.max()) == 0.5
    made = build_dataset(tmp_path, {"v": "a"}, {"v.csv": data}, img_shape=(64, 128))
    assert made.keypoint["v"][0, :, 0].tolist() == [[16, 4], [32, 8], [48, 12]]


def test_a_table_of_landmarks(client: Client, tmp_path: Path) -> None:
    rows = [[t, "pose", i, t / 8, t / 16] for t in (1, 2, 3) for i in range(33)]
    data = table(["frame", "type", "landmark_index", "x", "y"], rows)
    rendered = client.post_files({"v.csv": data}, {"img_shape": [64, 128], "pipeline": PIPELINE}).array()
    assert [peak(image[32]) for image in rendered] == [(16, 4), (32, 8), (48, 12)]
    made = build_dataset(tmp_path, {"v": "a"}, {"v.zip": zipped({"v.csv": data})}, img_shape=(64, 128))
    assert made.keypoint["v"][0, :, 0].tolist() == [[16, 4], [32, 8], [48, 12]]


def test_a_folder_of_tables_may_have_labels_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "points"
    (folder / "sub").mkdir(parents=True)
    columns = [f"pose_{i}_{axis}" for i in range(33) for axis in "xy"]
    (folder / "v1.csv").write_bytes(table(columns, [[0.5, 0.25] * 33]))
    (folder / "sub" / "v2.csv").write_bytes(table(columns, [[0.25, 0.5] * 33] * 2))
    (folder / "labels.csv").write_text("name,label\nv1,a\nv2,b\n")
    (folder / "README.txt").write_text("Points of two videos.\n")
    made = build_dataset(tmp_path / "built", {"v1": "a", "v2": "b"}, folder, img_shape=(64, 128))
    assert {name: points.shape for name, points in made.keypoint.items()} == {"v1": (1, 1, 33, 2), "v2": (1, 2, 33, 2)}
    assert made.report["faults"] == []


def peak(image: npt.NDArray[np.float32]) -> tuple[int, int]:
    """x and y of its largest value."""
    y, x = np.unravel_index(image.argmax(), image.shape)
    return int(x), int(y)
