"""parse_pipeline: a preset's name, or steps as PYSKL and MMAction2 write them, as a Pipeline."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import ValidationError

from heatsvc.pipeline.error import PipelineError
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
        raise PipelineError(f"reduce must be {_one_of(_REDUCTIONS)}, not {_short(reduce)}", field="reduce")
    if isinstance(spec, str):
        preset = PRESETS.get(spec)
        if preset is None:
            raise PipelineError(f"there is no preset {_short(spec)}{_hint(spec, PRESETS)}", field="pipeline")
        spec = [dict(step) for step in preset.steps]
    if not isinstance(spec, list) or not spec:
        raise PipelineError(
            f"pipeline must be a preset ({', '.join(PRESETS)}) or a list of steps, not {_short(spec)}", field="pipeline"
        )
    if len(spec) > MAX_STEPS:
        raise PipelineError(f"{len(spec)} steps are too many: at most {MAX_STEPS}", field="pipeline")
    steps = tuple(_parse_step(step, i) for i, step in enumerate(spec))
    check_order(steps, reduce)
    return Pipeline(steps, reduce)


def _parse_step(spec: object, position: int) -> Step:
    if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
        raise PipelineError(
            f'a step must be an object with its name as "type", such as {{"type": "PoseDecode"}}, not {_short(spec)}',
            field=step_field(position, None),
        )
    name = spec["type"]
    step = STEPS.get(name)
    if step is None:
        raise PipelineError(f"there is no step {_short(name)}{_hint(name, STEPS)}", field=step_field(position, "type"))
    try:
        return step.model_validate(spec)
    except ValidationError as error:
        raise _explain(error, step, name, position) from None


def _explain(error: ValidationError, step: type[Step], name: str, position: int) -> PipelineError:
    """The first parameter that pydantic refused, in words. A parameter of several forms is refused once for each."""
    faults = error.errors(include_url=False)
    first = faults[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, PipelineError):
        return PipelineError(f"{name}: {cause.detail}", field=step_field(position, cause.field))
    parameter = str(first["loc"][0])
    faults = [fault for fault in faults if fault["loc"][0] == parameter]
    field = step_field(position, parameter)
    if first["type"] == "extra_forbidden":
        known = [known for known in step.model_fields if known != "type"]
        return PipelineError(f"{name} has no parameter {_short(parameter)}{_hint(parameter, known)}", field=field)
    if first["type"] == "missing":
        return PipelineError(f"{name} needs {parameter}: {step.model_fields[parameter].description}", field=field)
    # Where one form of several got as far as the list's elements, that is the form that was meant.
    deepest = max(faults, key=lambda fault: sum(isinstance(key, int) for key in fault["loc"]))
    if any(isinstance(key, int) for key in deepest["loc"]):
        faults = [deepest]
    field += "".join(f"[{key}]" for key in faults[0]["loc"][1:] if isinstance(key, int))
    wanted = " or ".join(dict.fromkeys(_wanted(fault) for fault in faults))
    return PipelineError(
        f"{name}: {field.split('.', 1)[1]} must be {wanted}, not {_short(faults[0]['input'])}", field=field
    )


_WANTED = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "literal_error": "{expected}",
    "none_required": "null",
    "string_type": "a text",
    "tuple_type": "a list",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
}


def _wanted(fault: Any) -> str:
    pattern = _WANTED.get(fault["type"])
    if pattern is None:
        return str(fault["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return pattern.format(**fault.get("ctx", {}))


def _hint(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(name[:100], known, n=1)
    guess = f", did you mean {close[0]}?" if close else "."
    return f"{guess} Known are: {', '.join(known)}" if known else f"{guess} It has none"


def _one_of(choices: Iterable[str]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
