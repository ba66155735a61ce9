"""Pipelines: by a preset's name, as a list of steps, in a query, and pasted from a config."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heatsvc.pipeline import PRESETS
from tests.api.client import CLIP, PIPELINE, Client, clip_of
from tests.golden import load_golden

CASE = load_golden("pipeline_sl27")
CLIP27 = clip_of(CASE.keypoint, CASE.img_shape, layout="sign27")
SHAPES = {
    "view": (30, 27, 64, 64),
    "posec3d-train": (1, 27, 48, 56, 56),
    "posec3d-val": (1, 27, 48, 64, 64),
    "posec3d-test": (20, 27, 48, 64, 64),
    "view-limb": (30, 26, 64, 64),
    "posec3d-train-limb": (1, 26, 48, 56, 56),
    "posec3d-val-limb": (1, 26, 48, 64, 64),
    "posec3d-test-limb": (20, 26, 48, 64, 64),
}


def test_these_are_all_presets() -> None:
    assert set(SHAPES) == set(PRESETS)


@pytest.mark.parametrize("name", SHAPES)
def test_preset(client: Client, name: str) -> None:
    assert client.post_json({**CLIP27, "pipeline": name}, accept_encoding="zstd").array().shape == SHAPES[name]


def test_the_preset_view_is_taken_where_none_is_named(client: Client) -> None:
    assert client.post_json(CLIP27).wire == client.post_json({**CLIP27, "pipeline": "view"}).wire


def test_a_preset_is_the_steps_that_the_service_lists(client: Client) -> None:
    presets = {preset["name"]: preset["steps"] for preset in client.get("/pipelines").json()["presets"]}
    by_name = client.post_json({**CLIP27, "pipeline": "posec3d-val"}, accept_encoding="zstd")
    by_steps = client.post_json({**CLIP27, "pipeline": presets["posec3d-val"]}, accept_encoding="zstd")
    assert by_name.wire == by_steps.wire


def test_a_list_is_json_in_the_query(client: Client) -> None:
    steps = [{"type": "Resize", "scale": [32, 32], "keep_ratio": False}, {"type": "GeneratePoseTarget", "sigma": 1.0}]
    in_query = client.post_npy(CASE.keypoint, img_shape=list(CASE.img_shape), pipeline=json.dumps(steps))
    np.testing.assert_array_equal(in_query.array(), client.post_json({**CLIP27, "pipeline": steps}).array())


def test_an_mmaction2_config_can_be_pasted(client: Client) -> None:
    pasted = [
        {"type": "UniformSampleFrames", "clip_len": 48, "num_clips": 1, "test_mode": True},
        {"type": "PoseDecode"},
        {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True},
        {"type": "Resize", "scale": [64, 64], "keep_ratio": False},
        {"type": "GeneratePoseTarget", "with_kp": True, "with_limb": False},
        {"type": "FormatShape", "input_format": "NCTHW_Heatmap"},
        {"type": "PackActionInputs"},
    ]
    response = client.post_json({**CLIP27, "pipeline": pasted}, accept_encoding="zstd")
    assert response.wire == client.post_json({**CLIP27, "pipeline": "posec3d-val"}, accept_encoding="zstd").wire


def test_a_pyskl_config_can_be_pasted(client: Client) -> None:
    pasted = [
        {"type": "PoseDecode"},
        *PIPELINE,
        {"type": "Collect", "keys": ["imgs", "label"], "meta_keys": []},
        {"type": "ToTensor", "keys": ["imgs"]},
    ]
    assert client.post_json({**CLIP, "pipeline": pasted}).wire == client.post_json({**CLIP, "pipeline": PIPELINE}).wire


def test_keypoints_and_limbs_together_have_all_channels(client: Client) -> None:
    both = [{"type": "GeneratePoseTarget", "with_limb": True, "skeletons": [[0, 1], [1, 2]]}]
    rendered = client.post_json({**CLIP, "pipeline": both}).array()
    np.testing.assert_array_equal(rendered[:, :3], client.post_json({**CLIP, "pipeline": PIPELINE}).array())
    assert rendered.shape == (1, 5, 64, 64)


def test_potion_is_one_picture(client: Client) -> None:
    steps = [*PIPELINE, {"type": "Heatmap2Potion", "C": 3}]
    document = {**CLIP27, "img_shape": [64, 64], "pipeline": steps, "plausibility": "ignore"}
    assert client.post_json(document).array().shape == (1, 64, 64, 27 * 7)


@pytest.mark.parametrize(
    ("pipeline", "field", "said"),
    [
        ("veiw", "pipeline", "did you mean view?"),
        ([], "pipeline", "must be a preset"),
        ([{"type": "PoseDecod"}], "pipeline[0].type", "did you mean PoseDecode?"),
        ([{"sigma": 1}], "pipeline[0]", 'an object with its name in "type"'),
        ([{"type": "PoseDecode"}], "pipeline", "GeneratePoseTarget is missing"),
        ([{**PIPELINE[0], "sigm": 1}], "pipeline[0].sigm", "did you mean sigma?"),
        ([*PIPELINE, {"type": "CenterCrop", "crop_size": 4}], "pipeline[1]", "must come before GeneratePoseTarget"),
        ([{"type": "Resize", "scale": [64, "x"]}, *PIPELINE], "pipeline[0].scale[1]", "must be a whole number"),
        ([{"type": "UniformSampleFrames", "clip_len": 4}, *PIPELINE], "pipeline[0]", "a PoseDecode after it"),
        (5, "pipeline", "pipeline cannot be 5"),
        ([PIPELINE[0]] * 65, "pipeline", "65 steps: it must have at most 64"),
    ],
)
def test_an_invalid_pipeline_is_reported_by_step_and_parameter(
    client: Client, pipeline: object, field: str, said: str
) -> None:
    problem = client.post_json({**CLIP, "pipeline": pipeline}).problem(422)
    assert problem["field"] == field
    assert said in problem["detail"]
