"""Presets: named pipelines. To add one, add an entry to `PRESETS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

StepSpec = Mapping[str, Any]

DEFAULT_PRESET = "view"


@dataclass(frozen=True, slots=True)
class Preset:
    """A named pipeline.

    Attributes:
        title: its description in `GET /pipelines`.
        steps: its steps, as in a request.
    """

    title: str
    steps: tuple[StepSpec, ...]


_KEYPOINTS: StepSpec = {"type": "GeneratePoseTarget", "with_kp": True, "with_limb": False}
_LIMBS: StepSpec = {"type": "GeneratePoseTarget", "with_kp": False, "with_limb": True}
_FORMAT: StepSpec = {"type": "FormatShape", "input_format": "NCTHW_Heatmap"}
_COMPACT: StepSpec = {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True}


def _view(target: StepSpec) -> tuple[StepSpec, ...]:
    return (
        {"type": "PoseDecode"},
        _COMPACT,
        {"type": "Resize", "scale": [-1, 64]},
        {"type": "CenterCrop", "crop_size": 64},
        target,
    )


# The pipelines of PYSKL's config for Diving48; left and right points are those of the clip's layout.
def _train(target: StepSpec) -> tuple[StepSpec, ...]:
    return (
        {"type": "UniformSampleFrames", "clip_len": 48},
        {"type": "PoseDecode"},
        _COMPACT,
        {"type": "Resize", "scale": [-1, 64]},
        {"type": "RandomResizedCrop", "area_range": [0.56, 1.0]},
        {"type": "Resize", "scale": [56, 56], "keep_ratio": False},
        {"type": "Flip", "flip_ratio": 0.5},
        target,
        _FORMAT,
    )


def _val(target: StepSpec, num_clips: int = 1) -> tuple[StepSpec, ...]:
    return (
        {"type": "UniformSampleFrames", "clip_len": 48, "num_clips": num_clips},
        {"type": "PoseDecode"},
        _COMPACT,
        {"type": "Resize", "scale": [64, 64], "keep_ratio": False},
        target,
        _FORMAT,
    )


def _test(target: StepSpec) -> tuple[StepSpec, ...]:
    return _val({**target, "double": True}, num_clips=10)


PRESETS: dict[str, Preset] = {
    name + suffix: Preset(title.format(what), steps(target))
    for suffix, what, target in (("", "keypoints", _KEYPOINTS), ("-limb", "limbs", _LIMBS))
    for name, title, steps in (
        (DEFAULT_PRESET, "For viewing: all frames, {} on 64 x 64", _view),
        ("posec3d-train", "PoseConv3D's training: 48 frames, random crop and flip, {} on 56 x 56", _train),
        ("posec3d-val", "PoseConv3D's validation: 48 frames, {} on 64 x 64", _val),
        ("posec3d-test", "PoseConv3D's test: ten clips of 48 frames and their mirror images, {} on 64 x 64", _test),
    )
}
