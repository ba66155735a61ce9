"""parse_pipeline: a preset's name, or steps as PYSKL and MMAction2 write them, as a Pipeline."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import ValidationError

from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.explain import explain, hint, one_of, short
from heatsvc.pipeline.order import check_order
from heatsvc.pipeline.pipeline import Pipeline, step_field
from heatsvc.pipeline.presets import PRESETS
from heatsvc.pipeline.step import Step
from heatsvc.pipeline.steps import STEPS
from heatsvc.volume import Reduce

MAX_STEPS = 64
_REDUCTIONS: tuple[Reduce, ...] = get_args(Reduce)


def parse_pipeline(spec: str | list[dict[str, Any]], *, reduce: str = "none") -> Pipeline:
    """Build a pipeline and check that its steps fit together.

    Args:
        spec: the name of a preset, or a list of steps, ``[{"type": "PoseDecode"}, ...]``.
        reduce: ``none``, ``max`` or ``argmax``, see `HeatmapVolume`.

    Raises:
        PipelineError: an unknown preset, step, parameter or reduction (the message lists the known ones), a value
            that a parameter cannot have, or an order that makes no sense. `field` is ``pipeline[2].scale``.
    """
    if reduce not in _REDUCTIONS:
        raise PipelineError(f"reduce must be {one_of(_REDUCTIONS)}, not {short(reduce)}", field="reduce")
    if isinstance(spec, str):
        preset = PRESETS.get(spec)
        if preset is None:
            raise PipelineError(f"there is no preset {short(spec)}{hint(spec, PRESETS)}", field="pipeline")
        spec = [dict(step) for step in preset.steps]
    if not isinstance(spec, list) or not spec:
        raise PipelineError(
            f"pipeline must be a preset ({', '.join(PRESETS)}) or a list of steps, not {short(spec)}", field="pipeline"
        )
    if len(spec) > MAX_STEPS:
        raise PipelineError(f"{len(spec)} steps are too many: at most {MAX_STEPS}", field="pipeline")
    steps = tuple(_parse_step(step, i) for i, step in enumerate(spec))
    check_order(steps, reduce)
    return Pipeline(steps, reduce)


def _parse_step(spec: object, position: int) -> Step:
    if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
        raise PipelineError(
            f'a step must be an object with its name as "type", such as {{"type": "PoseDecode"}}, not {short(spec)}',
            field=step_field(position, None),
        )
    name = spec["type"]
    step = STEPS.get(name)
    if step is None:
        raise PipelineError(f"there is no step {short(name)}{hint(name, STEPS)}", field=step_field(position, "type"))
    try:
        return step.model_validate(spec)
    except ValidationError as error:
        raise explain(error, step, name, position) from None
