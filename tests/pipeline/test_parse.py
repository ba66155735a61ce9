"""parse_pipeline: pipelines from presets and lists of steps, and its error messages."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from heatsvc.pipeline import DEFAULT_PRESET, PRESETS, STEPS, PipelineError, parse_pipeline
from tests.pipeline.clips import Step, numbered_clip, run

TARGET: Step = {"type": "GeneratePoseTarget"}
FORMAT: Step = {"type": "FormatShape", "input_format": "NCTHW_Heatmap"}
POTION: Step = {"type": "Heatmap2Potion", "C": 2}
SAMPLE: Step = {"type": "UniformSampleFrames", "clip_len": 4}
DECODE: Step = {"type": "PoseDecode"}


def test_the_presets_are_view_and_diving48s() -> None:
    assert list(PRESETS) == [
        *("view", "posec3d-train", "posec3d-val", "posec3d-test"),
        *("view-limb", "posec3d-train-limb", "posec3d-val-limb", "posec3d-test-limb"),
    ]
    assert DEFAULT_PRESET == "view"


@pytest.mark.parametrize(
    ("preset", "shape"),
    [
        ("view", (60, 27, 64, 64)),
        ("posec3d-train", (1, 27, 48, 56, 56)),
        ("posec3d-val", (1, 27, 48, 64, 64)),
        ("posec3d-test", (20, 27, 48, 64, 64)),
        ("view-limb", (60, 26, 64, 64)),
        ("posec3d-train-limb", (1, 26, 48, 56, 56)),
        ("posec3d-val-limb", (1, 26, 48, 64, 64)),
        ("posec3d-test-limb", (20, 26, 48, 64, 64)),
    ],
)
def test_each_preset_makes_its_volume(preset: str, shape: tuple[int, ...]) -> None:
    assert parse_pipeline(preset).run(numbered_clip(60, 27)).shape == shape


def test_a_list_pasted_from_a_pyskl_config_works() -> None:
    pasted: list[Step] = [
        {"type": "UniformSampleFrames", "clip_len": 48, "num_clips": 10, "test_mode": True},
        {"type": "PoseDecode"},
        {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True},
        {"type": "Resize", "scale": [64, 64], "keep_ratio": False},
        {
            "type": "GeneratePoseTarget",
            "sigma": 0.6,
            "use_score": True,
            "with_kp": True,
            "with_limb": False,
            "double": True,
            "left_kp": [1, 3, 5, 7, 9, 11, 13, 15],
            "right_kp": [2, 4, 6, 8, 10, 12, 14, 16],
        },
        {"type": "FormatShape", "input_format": "NCTHW_Heatmap"},
        {"type": "Collect", "keys": ["imgs", "label"], "meta_keys": []},
        {"type": "ToTensor", "keys": ["imgs"]},
    ]
    assert run(pasted, numbered_clip(60)).shape == (20, 17, 48, 64, 64)


def test_tuples_are_lists_and_any_mapping_is_a_step() -> None:
    """As in Python configs of MMEngine, whose steps are dicts of a class of their own."""
    resize: Step = {"type": "Resize", "scale": (64, 64), "keep_ratio": False}
    expected = parse_pipeline([{**resize, "scale": [64, 64]}, TARGET])
    assert parse_pipeline((resize, TARGET)) == expected
    assert parse_pipeline([MappingProxyType(resize), TARGET]) == expected


def test_a_pipeline_is_returned_with_another_reduction() -> None:
    pipeline = parse_pipeline([TARGET], reduce="max")
    assert parse_pipeline(pipeline) is pipeline
    assert parse_pipeline(pipeline, reduce="argmax") == parse_pipeline([TARGET], reduce="argmax")
    with pytest.raises(PipelineError, match="cannot be combined with Heatmap2Potion"):
        parse_pipeline(parse_pipeline([TARGET, POTION]), reduce="max")


def test_equal_specifications_are_parsed_once() -> None:
    assert parse_pipeline("view") is parse_pipeline("view")
    assert parse_pipeline([TARGET, FORMAT]) is parse_pipeline([dict(TARGET), dict(FORMAT)])


def test_nan_is_never_null() -> None:
    target: Step = {"type": "PoseCompact", "hw_ratio": None}
    assert parse_pipeline([target, TARGET]).steps[0] == parse_pipeline([{"type": "PoseCompact"}, TARGET]).steps[0]
    with pytest.raises(PipelineError, match="finite number, not nan"):
        parse_pipeline([{**target, "hw_ratio": float("nan")}, TARGET])


@pytest.mark.parametrize(
    "packing",
    [
        {"type": "Collect", "keys": ["imgs"], "meta_keys": [], "meta_name": "img_metas", "nested": False},
        {"type": "ToTensor", "keys": ["imgs", "label"]},
        {"type": "Rename", "mapping": {"imgs": "heatmap_imgs"}},
        {"type": "PackActionInputs", "meta_keys": ["frame_dir"]},
    ],
)
def test_steps_that_only_pack_do_nothing(packing: Step) -> None:
    assert run([TARGET, packing], numbered_clip(3)).shape == run([TARGET], numbered_clip(3)).shape


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(PipelineError) as error:
        parse_pipeline("posec3d-tets")
    assert error.value.field == "pipeline"
    assert "unknown preset 'posec3d-tets': did you mean posec3d-test?" in error.value.detail
    assert all(preset in error.value.detail for preset in PRESETS)


def test_an_unknown_step_lists_the_known_ones() -> None:
    with pytest.raises(PipelineError) as error:
        parse_pipeline([DECODE, {"type": "UniformSample", "clip_len": 48}, TARGET])
    assert error.value.field == "pipeline[1].type"
    assert "unknown step 'UniformSample': did you mean UniformSampleFrames?" in error.value.detail
    assert all(step in error.value.detail for step in STEPS)


def test_an_unknown_parameter_lists_the_known_ones() -> None:
    with pytest.raises(PipelineError) as error:
        parse_pipeline([{"type": "GeneratePoseTarget", "sigam": 1.0}])
    assert error.value.field == "pipeline[0].sigam"
    assert error.value.detail == (
        "GeneratePoseTarget has no parameter 'sigam': did you mean sigma? Known names: sigma, use_score, with_kp, "
        "with_limb, skeletons, double, left_kp, right_kp, left_limb, right_limb, scaling, eps"
    )


def test_a_step_without_parameters_reports_that() -> None:
    with pytest.raises(PipelineError, match=r"PoseDecode has no parameter 'clip_len'\. It has none"):
        parse_pipeline([{"type": "PoseDecode", "clip_len": 48}, TARGET])


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ([], "pipeline"),
        (None, "pipeline"),
        ({"type": "PoseDecode"}, "pipeline"),
        ([None], "pipeline[0]"),
        (["PoseDecode"], "pipeline[0]"),
        ([TARGET, {"clip_len": 3}], "pipeline[1]"),
        ([{"type": 5}], "pipeline[0]"),
        ([DECODE] * 64 + [TARGET], "pipeline"),
    ],
)
def test_an_invalid_list_of_steps_is_refused(spec: Any, field: str) -> None:
    with pytest.raises(PipelineError) as error:
        parse_pipeline(spec)
    assert error.value.field == field


def test_an_unknown_reduction_lists_the_known_ones() -> None:
    with pytest.raises(PipelineError, match="reduce must be none, max or argmax, not 'sum'") as error:
        parse_pipeline("view", reduce="sum")
    assert error.value.field == "reduce"


@pytest.mark.parametrize(
    ("steps", "field", "message"),
    [
        ([DECODE], "pipeline", "GeneratePoseTarget is missing"),
        ([TARGET, TARGET], "pipeline[1]", "a pipeline can have only one GeneratePoseTarget"),
        ([TARGET, {"type": "Flip"}], "pipeline[1]", "Flip must come before GeneratePoseTarget"),
        ([TARGET, DECODE], "pipeline[1]", "PoseDecode must come before GeneratePoseTarget"),
        ([TARGET, SAMPLE], "pipeline[1]", "UniformSampleFrames must come before GeneratePoseTarget"),
        ([FORMAT, TARGET], "pipeline[0]", "FormatShape must come after GeneratePoseTarget"),
        ([POTION, TARGET], "pipeline[0]", "Heatmap2Potion must come after GeneratePoseTarget"),
        ([DECODE, SAMPLE, TARGET], "pipeline[1]", "add a PoseDecode after it"),
        ([SAMPLE, DECODE, SAMPLE, DECODE, TARGET], "pipeline[2]", "only one UniformSampleFrames"),
        ([TARGET, POTION, FORMAT], "pipeline[2]", "FormatShape cannot follow Heatmap2Potion"),
        ([TARGET, FORMAT, FORMAT], "pipeline[2]", "FormatShape cannot follow FormatShape"),
    ],
)
def test_an_invalid_order_is_refused(steps: list[Step], field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        parse_pipeline(steps)
    assert error.value.field == field


@pytest.mark.parametrize("reduce", ["max", "argmax"])
def test_a_potion_has_no_channels_to_reduce(reduce: str) -> None:
    with pytest.raises(PipelineError, match="cannot be combined with Heatmap2Potion") as error:
        parse_pipeline([TARGET, POTION], reduce=reduce)
    assert error.value.field == "reduce"
