"""Result files of pose estimators and data sets: the same positions from `/heatmap`, a build and the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.api.client import PIPELINE, Client
from tests.cases.datasets import CASES, build_dataset


def test_alphaposes_results(client: Client, tmp_path: Path) -> None:
    data = (CASES / "11_coco_results" / "alphapose-results.json").read_bytes()
    entries = json.loads(data)
    options = {"img_shape": [400, 600], "pipeline": PIPELINE, "select": [0], "dtype": "uint8"}
    rendered = client.post_files({"v.json": data}, options).array()
    assert rendered.shape == (70, 1, 400, 600)
    for t in (0, 1, 69):
        x, y, _ = entries[t]["keypoints"][:3]
        top, left = np.unravel_index(rendered[t, 0].argmax(), rendered[t, 0].shape)
        assert (abs(left - x) <= 1, abs(top - y) <= 1) == (True, True)
    made = build_dataset(tmp_path, {"v": "a"}, {"v.json": data}, img_shape=(400, 600))
    right = np.array([entry["keypoints"] for entry in entries], np.float32).reshape(70, 17, 3)
    assert (made.keypoint["v"] == right[None, ..., :2]).all()
    assert made.report["faults"] == []
