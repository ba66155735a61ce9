"""Configs as text: a template, the facts of a dataset, and the pipelines of the presets.

The pipelines are those of `pipeline/presets.py`, so that what the service draws for ``posec3d-train`` is what is
trained on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from heatsvc.annotation.configs.skeleton import Skeleton
from heatsvc.annotation.configs.splits import Splits
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.facts import DatasetFacts
from heatsvc.pipeline.presets import PRESETS, StepSpec

_WIDTH = 100


class Variable(str):
    """The name of something that the config defines further up."""

    __slots__ = ()


def render(
    template: str,
    facts: DatasetFacts,
    pickle_name: str,
    *,
    limbs: bool,
    pack: Sequence[StepSpec],
    sampling: StepSpec | None = None,
) -> str:
    """A config as Python text.

    Args:
        template: a file in templates/.
        facts: the dataset.
        pickle_name: the annotation pickle's file name.
        limbs: heatmaps of limbs, not of keypoints.
        pack: the steps that hand a clip to the model, last in each pipeline.
        sampling: arguments that UniformSampleFrames takes in validation and test.

    Raises:
        AnnotationError: limbs of points of which nobody knows how they are joined.
    """
    skeleton = Skeleton.of(facts.points, facts.layout)
    if limbs and not skeleton.skeletons:
        raise AnnotationError("no limbs are known for these points: a config for limbs needs a layout that has some")
    pipelines = {}
    for part in ("train", "val", "test"):
        steps = PRESETS[f"posec3d-{part}{'-limb' if limbs else ''}"].steps
        drawn = _steps(steps, skeleton, limbs=limbs, sampling={} if part == "train" else sampling or {})
        pipelines[part] = [*drawn, *pack]
    return (
        _environment()
        .get_template(template)
        .render(
            what="limb" if limbs else "keypoint",
            limbs=limbs,
            pickle_name=pickle_name,
            channels=len(skeleton.skeletons) if limbs else skeleton.points,
            classes=len(facts.classes),
            clips=len(facts.clips),
            layout=facts.layout.name if facts.layout else "unknown points",
            skeleton=skeleton,
            splits=Splits.of(facts.splits),
            pipelines=pipelines,
        )
    )


def _steps(steps: Iterable[StepSpec], skeleton: Skeleton, *, limbs: bool, sampling: StepSpec) -> list[dict[str, Any]]:
    """The steps with what a config has to say and a request need not."""
    sides = ("left_kp", "right_kp", *(("left_limb", "right_limb") if limbs else ()))
    written = []
    for given in steps:
        step = dict(given)
        if step["type"] == "UniformSampleFrames":
            step |= sampling
        elif step["type"] == "Flip":
            if not skeleton.left_kp:
                continue  # a mirror image with left and right in each other's places teaches what is wrong
            step |= {name: Variable(name) for name in sides[:2]}
        elif step["type"] == "GeneratePoseTarget":
            if limbs:
                step["skeletons"] = Variable("skeletons")
            if step.get("double") and skeleton.left_kp:
                step |= {name: Variable(name) for name in sides}
            else:
                step.pop("double", None)
        written.append(step)
    return written


def literal(value: object) -> str:
    """A value as Python source, in ASCII whatever the reader's locale is.

    A brace in text is written as an escape: mmengine fills in what stands in double braces before it parses.
    """
    match value:
        case Variable():
            return str(value)
        case str():
            return ascii(value).replace("{", r"\x7b")
        case Mapping():
            return f"dict({', '.join(f'{key}={literal(item)}' for key, item in value.items())})"
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
        case float() if math.isfinite(value):
            return f"{value:g}" if value != int(value) else f"{value:.1f}"
        case bool() | int() | None:
            return repr(value)
    raise TypeError(type(value).__name__)


def _step_literal(step: Mapping[str, Any]) -> str:
    """A step; sizes and ranges are tuples, for mmcv's Resize takes a list for something else."""
    tuples = ("scale", "area_range", "aspect_ratio_range")
    parts = [
        f"{key}=({literal(item)[1:-1]})" if key in tuples else f"{key}={literal(item)}" for key, item in step.items()
    ]
    line = f"dict({', '.join(parts)})"
    return line if len(line) <= _WIDTH else f"dict({f',{chr(10)}         '.join(parts)})"


def _wrapped(values: Sequence[object], indent: int) -> str:
    """A list over several lines, where one is too short."""
    lines, line = [], ""
    for text in (literal(value) + "," for value in values):
        if line and indent + len(line) + 1 + len(text) > _WIDTH:
            lines.append(line)
            line = text
        else:
            line = f"{line} {text}".strip()
    lines.append(line.removesuffix(","))
    return f"[{(chr(10) + ' ' * indent).join(lines)}]"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("heatsvc.annotation.configs"),
        autoescape=False,  # noqa: S701 - Python, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"literal": literal, "step": _step_literal, "wrapped": _wrapped}
    return environment
