"""parse_pipeline: makes a Pipeline from a preset's name or from steps as in PYSKL's and MMAction2's configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_args

import orjson
from pydantic import ValidationError

from heatsvc.pipeline.errors import PipelineError, hint, parameter_error, short, step_field
from heatsvc.pipeline.pipeline import Pipeline
from heatsvc.pipeline.presets import PRESETS
from heatsvc.pipeline.steps import STEPS
from heatsvc.pipeline.steps.step import Step
from heatsvc.volume import Reduce

PipelineSpec = str | Sequence[Mapping[str, Any]] | Pipeline
"""A preset's name, steps as in a PYSKL or MMAction2 config, or a `Pipeline`."""

MAX_STEPS = 64
_REDUCTIONS: tuple[Reduce, ...] = get_args(Reduce)
# Longer specifications are not cached: only ignored parameters of steps make them long.
_MAX_CACHED_BYTES = 4 << 10


def parse_pipeline(spec: PipelineSpec, *, reduce: str = "none") -> Pipeline:
    """Build a pipeline and check that its steps fit together. The last 128 pipelines are cached.

    Args:
        spec: the name of a preset, or a list of steps, ``[{"type": "PoseDecode"}, ...]``, which may contain tuples. A
            `Pipeline` is returned unchanged, except for `reduce` unless that is ``none``.
        reduce: ``none``, ``max`` or ``argmax``, see `HeatmapVolume`.

    Raises:
        PipelineError: an unknown preset, step, parameter or reduction (the message lists the known ones), a value
            that a parameter cannot have, or steps in a wrong order. `field` is such as ``pipeline[2].scale``.
    """
    if reduce not in _REDUCTIONS:
        raise PipelineError(f"reduce must be none, max or argmax, not {short(reduce)}", field="reduce")
    if isinstance(spec, Pipeline):
        if reduce == "none":
            return spec
        check_order(spec.steps, reduce)
        return replace(spec, reduce=reduce)
    try:
        key = orjson.dumps(spec)
    except TypeError:  # nested more deeply than orjson can write, or not JSON
        return _parse(spec, reduce)
    if len(key) > _MAX_CACHED_BYTES or b"null" in key:  # orjson also writes null for NaN
        return _parse(spec, reduce)
    return _parse_json(key, reduce)


@lru_cache(maxsize=128)
def _parse_json(spec: bytes, reduce: Reduce) -> Pipeline:
    return _parse(orjson.loads(spec), reduce)


def _parse(spec: object, reduce: Reduce) -> Pipeline:
    name = ""
    if isinstance(spec, str):
        preset = PRESETS.get(spec)
        if preset is None:
            raise PipelineError(f"unknown preset {short(spec)}{hint(spec, PRESETS)}", field="pipeline")
        name, spec = spec, preset.steps
    if not isinstance(spec, list | tuple) or not spec:
        raise PipelineError(
            f"pipeline must be a preset ({', '.join(PRESETS)}) or a list of steps, not {short(spec)}", field="pipeline"
        )
    if len(spec) > MAX_STEPS:
        raise PipelineError(f"pipeline has {len(spec)} steps: it must have at most {MAX_STEPS}", field="pipeline")
    steps = tuple(_parse_step(step, i) for i, step in enumerate(spec))
    check_order(steps, reduce)
    return Pipeline(steps, reduce, name)


def _parse_step(spec: object, position: int) -> Step:
    if not isinstance(spec, Mapping) or not isinstance(spec.get("type"), str):
        raise PipelineError(
            f'a step must be an object with its name in "type", such as {{"type": "PoseDecode"}}, not {short(spec)}',
            field=step_field(position),
        )
    name = spec["type"]
    step = STEPS.get(name)
    if step is None:
        raise PipelineError(f"unknown step {short(name)}{hint(name, STEPS)}", field=step_field(position, "type"))
    try:
        return step.model_validate(dict(spec))
    except ValidationError as error:
        raise parameter_error(error, step, name, position) from None


def check_order(steps: Sequence[Step], reduce: Reduce) -> None:
    """Check the order of steps: sampling, decoding and geometry, then one GeneratePoseTarget, then formats.

    Args:
        steps: the steps in their order.
        reduce: the reduction of the channels, which a PoTion image does not allow.

    Raises:
        PipelineError: a step is in a wrong place; `field` is the step.
    """
    targets = [i for i, step in enumerate(steps) if step.role == "target"]
    if not targets:
        raise PipelineError("nothing is rendered: GeneratePoseTarget is missing", field="pipeline")
    if len(targets) > 1:
        raise _misplaced(
            targets[1], f"a pipeline can have only one GeneratePoseTarget: step {targets[0]} is one already"
        )
    target = targets[0]
    sampler: int | None = None
    is_decoded = True
    formats: list[int] = []
    for i, step in enumerate(steps):
        name = step.type
        if step.role in ("sample", "decode", "geometry") and i > target:
            raise _misplaced(i, f"{name} must come before GeneratePoseTarget: it changes points, not maps")
        if step.role == "format" and i < target:
            raise _misplaced(i, f"{name} must come after GeneratePoseTarget: nothing is rendered yet")
        if step.role == "decompress" and i > 0:
            raise _misplaced(i, f"{name} must be the first step: the others need persons and frames")
        if step.role == "sample":
            if sampler is not None:
                raise _misplaced(i, f"a pipeline can have only one {name}")
            sampler, is_decoded = i, False
        elif step.role == "decode":
            is_decoded = True
        elif step.role == "format":
            formats.append(i)
    if sampler is not None and not is_decoded:
        raise _misplaced(
            sampler, f"{steps[sampler].type} only chooses frames: add a PoseDecode after it, which takes them"
        )
    if len(formats) > 1:
        first, second = steps[formats[0]].type, steps[formats[1]].type
        raise _misplaced(formats[1], f"{second} cannot follow {first}: each makes an array that the other cannot use")
    if reduce != "none" and any(steps[i].type == "Heatmap2Potion" for i in formats):
        raise PipelineError(
            f"reduce {reduce} cannot be combined with Heatmap2Potion: its image has no axis of channels", field="reduce"
        )


def _misplaced(position: int, detail: str) -> PipelineError:
    return PipelineError(detail, field=step_field(position))
