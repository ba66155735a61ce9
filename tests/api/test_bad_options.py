"""Invalid options: the problem names the option, its value, and what would be valid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.api.client import CLIP, NPY, PIPELINE, Client
from tests.pose.readers.samples import npy

ARRAY = np.ones((2, 17, 3), np.float32)


@pytest.mark.parametrize(
    ("img_shape", "said"),
    [
        ([0, 64], "from 1 to 100,000 pixels, not [0, 64]"),
        ([64, -1], "from 1 to 100,000 pixels, not [64, -1]"),
        ([64, 100_001], "from 1 to 100,000 pixels"),
        (None, "img_shape is missing: set it to the video frame's [height, width]"),
        ([64], "must be two whole numbers, [height, width]"),
        ([64, 64, 3], "must be two whole numbers, [height, width]"),
        ([64.5, 64], "must be two whole numbers, [height, width]"),
        (["64", 64], "must be two whole numbers, [height, width]"),
        ([True, 64], "must be two whole numbers, [height, width]"),
        ("64x64", "must be two whole numbers, [height, width]"),
        ({"height": 64, "width": 64}, "must be two whole numbers, [height, width]"),
        (64, "must be two whole numbers, [height, width]"),
    ],
)
def test_img_shape(client: Client, img_shape: Any, said: str) -> None:
    problem = client.post_json({**CLIP, "img_shape": img_shape}).problem(422)
    assert problem["field"] == "img_shape"
    assert said in problem["detail"]


def test_img_shape_and_layout_changed_over(client: Client) -> None:
    assert client.post_json({**CLIP, "img_shape": "coco17", "layout": [64, 64]}).problem(422)["field"] in (
        "img_shape",
        "layout",
    )


@pytest.mark.parametrize(
    "query", ["", "img_shape=0,4", "img_shape=4", "img_shape=4,x", "img_shape=[4,4.5]", "img_shape="]
)
def test_img_shape_of_a_query(client: Client, query: str) -> None:
    problem = client.post(npy(ARRAY), NPY, query).problem(422)
    assert problem["field"] == "img_shape"
    assert "height" in problem["detail"]


@pytest.mark.parametrize("sigma", [0, 0.0, -1, 1e6, "0.6", None, True, [0.6]])
def test_sigma(client: Client, sigma: Any) -> None:
    problem = client.post_json({**CLIP, "pipeline": [{**PIPELINE[0], "sigma": sigma}]}).problem(422)
    assert problem["field"] == "pipeline[0].sigma"
    assert "sigma must be" in problem["detail"]


@pytest.mark.parametrize("sigma", ["NaN", "Infinity", "1e400"])
def test_sigma_that_is_no_number_is_no_json(client: Client, sigma: str) -> None:
    body = b'{"keypoint": [[1, 2]], "img_shape": [4, 4], "pipeline": [{"type": "GeneratePoseTarget", "sigma": %s}]}'
    assert "the JSON is invalid" in client.post(body % sigma.encode()).problem(400)["detail"]
    query = {"img_shape": "4,4", "pipeline": f'[{{"type": "GeneratePoseTarget", "sigma": {sigma}}}]'}
    assert client.post(npy(ARRAY), NPY, query).problem(422)["field"] == "pipeline"


@pytest.mark.parametrize(
    ("step", "status", "field"),
    [
        ({"type": "CenterCrop", "crop_size": 0}, 422, "pipeline[0].crop_size"),
        ({"type": "CenterCrop", "crop_size": 100_000}, 422, "pipeline[1]"),
        ({"type": "Resize", "scale": [0, 64], "keep_ratio": False}, 422, "pipeline[0].scale"),
        ({"type": "Resize", "scale": [100_000, 64], "keep_ratio": False}, 422, "pipeline[1]"),
        ({"type": "Resize", "scale": [100_001, 64], "keep_ratio": False}, 422, "pipeline[0].scale"),
        ({"type": "Resize", "scale": 0.001}, 422, "pipeline[0].scale"),
    ],
)
def test_map_sides(client: Client, step: dict[str, Any], status: int, field: str) -> None:
    problem = client.post_json({**CLIP, "pipeline": [step, *PIPELINE]}).problem(status)
    assert problem["field"] == field
    assert any(word in problem["detail"] for word in ("HEATSVC_MAX_MAP_SIDE", "from 1 to", "at least 1", "no side may"))


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("coco17", "layout coco17 has 17 points, but the keypoints have 3"),
        ("sign28", "sign28"),
    ],
)
def test_layout_that_is_none_or_does_not_fit(client: Client, layout: str, said: str) -> None:
    query = {"img_shape": "4,4", "layout": layout}
    problem = client.post(npy(ARRAY[:, :3]), NPY, query).problem(422)
    assert problem["field"] == "layout"
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("select", "field", "said"),
    [
        ("hand21", "select", "hand21 cannot be selected from coco17: it lacks 21 points (hand_0, hand_1, hand_2 ...)"),
        ("sign28", "select", "sign28"),
        ([0, 17], "select[1]", "point 17 does not exist: points are 0 to 16"),
        ([-1], "select[0]", "point -1 does not exist: points are 0 to 16"),
        ([], "select", "select is empty"),
        ([0.5], "select", "select cannot be [0.5]"),
        (["nose"], "select", "select cannot be ['nose']"),
        (True, "select", "true"),
        ([0] * 1025, "select", "HEATSVC_MAX_KEYPOINTS"),
    ],
)
def test_select(client: Client, select: Any, field: str, said: str) -> None:
    problem = client.post_npy(ARRAY, img_shape=[64, 64], select=select).problem(422)
    assert problem["field"] == field
    assert said in problem["detail"]


def test_points_that_the_clip_lacks_are_refused_on_request(client: Client) -> None:
    options = {"img_shape": [64, 64], "select": "coco_wholebody", "missing_points": "error"}
    problem = client.post_npy(ARRAY, **options).problem(422)
    assert problem["field"] == "select"
    assert "coco_wholebody cannot be selected from coco17: it lacks 116 points (left_big_toe" in problem["detail"]


def test_points_that_the_clip_lacks_are_reported(client: Client) -> None:
    response = client.post_npy(ARRAY, img_shape=[64, 64], select="coco_wholebody")
    assert response.status == 200
    assert "missing_points;clips=1" in response.headers["x-heatmap-warning"]


def test_select_from_points_of_an_unknown_layout(client: Client) -> None:
    problem = client.post_json({**CLIP, "select": "sign27"}).problem(422)
    assert problem["field"] == "select"
    assert "set layout to its name, or select points by index" in problem["detail"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("dtype", "float64"),
        ("dtype", 32),
        ("reduce", "mean"),
        ("test_mode", "yes"),
        ("test_mode", 1),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", 1.5),
        ("seed", "7"),
        ("sigma", 0.6),
        ("frame_dirs", "a"),
        ("o" * 1000, 1),
    ],
)
def test_an_option_that_there_is_not_or_that_cannot_be(client: Client, option: str, value: Any) -> None:
    problem = client.post_json({**CLIP, option: value}).problem(422)
    assert problem["field"] == option[:60]
    assert "cannot be" in problem["detail"] or "known options are pipeline, reduce, select" in problem["detail"]


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("img_shape=4,4&dtype=uint8&dtype=float16", "dtype", "'dtype' is given twice"),
        ("img_shape=4,4&colour=red", "colour", "unknown option 'colour': known options are pipeline"),
        ("&".join(f"o{i}=1" for i in range(65)), None, "more than 64 fields"),
        ("img_shape=4,4&seed=1;2", "seed", "seed cannot be '1;2'"),
        ("img_shape=4,4&test_mode=True", "test_mode", "test_mode cannot be 'True'"),
        ("img_shape=4,4&pipeline=[", "pipeline", "unknown preset '['"),
        ("img_shape=4,4&select=1,2,x", "select", "1,2,x"),
    ],
)
def test_a_query_that_cannot_be(client: Client, query: str, field: str | None, said: str) -> None:
    problem = client.post(npy(ARRAY), NPY, query).problem(422)
    assert problem.get("field") == field
    assert said in problem["detail"]
