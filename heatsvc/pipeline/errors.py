"""PipelineError, and the messages about invalid steps, parameters and options."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from heatsvc.errors import InputError


class PipelineError(InputError):
    """A pipeline is invalid, or cannot process a clip.

    `field` has the position of the step and the parameter: ``pipeline[2].scale``.
    """


def step_field(position: int, parameter: str | None = None) -> str:
    """The path of a step or of its parameter: ``pipeline[2]``, ``pipeline[2].scale``."""
    return f"pipeline[{position}].{parameter}" if parameter else f"pipeline[{position}]"


def parameter_error(error: ValidationError, step: type[BaseModel], name: str, position: int) -> PipelineError:
    """The error for the first parameter that Pydantic rejected.

    Args:
        error: Pydantic's errors for step `name` at `position`, one for each member of a union type.
        step: the step's model.

    Returns:
        An error whose field is the parameter's path, ``pipeline[2].scale[1]``, and whose detail lists the known
        parameters, or says what the value must be.
    """
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
        return PipelineError(f"{name} has no parameter {short(parameter)}{hint(parameter, known)}", field=field)
    if first["type"] == "missing" and not _depth(first):
        return PipelineError(f"{name} needs {parameter}: {step.model_fields[parameter].description}", field=field)
    # For a union type, report the member that was probably meant: the one whose elements or range were checked.
    faults = [fault for fault in faults if _depth(fault)] or faults
    faults = [fault for fault in faults if not fault["type"].endswith("_type")] or faults
    path = "".join(f"[{key}]" for key in faults[0]["loc"][1:] if isinstance(key, int))
    wanted = " or ".join(dict.fromkeys(_wanted(fault) for fault in faults))
    if faults[0]["type"] == "missing":
        path = path[: path.rindex("[")]
    return PipelineError(
        f"{name}: {parameter}{path} must be {wanted}, not {short(faults[0]['input'])}", field=field + path
    )


def _depth(fault: Any) -> int:
    return sum(isinstance(key, int) for key in fault["loc"])


_WANTED = {
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "literal_error": "{expected}",
    "tuple_type": "a list",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "missing": "a list of two",
    "too_long": "a list of at most {max_length}",
}


def _wanted(fault: Any) -> str:
    pattern = _WANTED.get(fault["type"])
    if pattern is None:
        return str(fault["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return pattern.format(**{name: _limit(value) for name, value in fault.get("ctx", {}).items()}).replace(
        "False", "false"
    )


def _limit(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def explain_invalid(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the invalid option, and a message, which for an unknown option lists the known ones.

    If an option allows several types, the error with the longest path is reported: it is for the type that was meant.
    """
    first = max(error.errors(include_url=False), key=lambda fault: len(fault["loc"]))
    name = str(first["loc"][0])
    if name not in model.model_fields:
        return name[:60], f"unknown option {short(name)}: known options are {', '.join(model.model_fields)}"
    within = model.model_fields[name].annotation
    description = model.model_fields[name].description or ""
    message = first["msg"].removeprefix("Value error, ")
    if isinstance(within, type) and issubclass(within, BaseModel) and len(first["loc"]) > 1:
        inner = str(first["loc"][1])
        if first["type"] == "extra_forbidden":
            return name, f"{name} has no key {short(first['loc'][-1])}: known keys are {', '.join(within.model_fields)}"
        if inner in within.model_fields:
            description = within.model_fields[inner].description or ""
            value = given[name].get(inner) if isinstance(given.get(name), Mapping) else None
            return f"{name}.{inner}", f"{name}.{inner} cannot be {short(value)}: {message}. {description}"
    return name, f"{name} cannot be {short(given.get(name))}: {message}. {description}"


def hint(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the closest known name, and all known names."""
    known = list(known)
    close = difflib.get_close_matches(name[:100], known, n=1)
    guess = f": did you mean {close[0]}?" if close else "."
    return f"{guess} Known names: {', '.join(known)}" if known else f"{guess} It has none"


def short(value: object) -> str:
    """A value as JSON, shortened to 60 characters."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
