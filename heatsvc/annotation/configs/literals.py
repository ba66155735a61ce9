"""Writes values as Python source text, for configs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 100


class Variable(str):
    """The name of a variable that the config defines earlier."""

    __slots__ = ()


def literal(value: object) -> str:
    """A value as Python source, in ASCII so that it does not depend on the reader's locale.

    Braces in text are escaped, since mmengine replaces text between double braces before it parses.
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


def step_literal(step: Mapping[str, Any]) -> str:
    """A pipeline step. Sizes and ranges are tuples, since a list has another meaning for mmcv's Resize."""
    tuples = ("scale", "area_range", "aspect_ratio_range")
    parts = [
        f"{key}=({literal(item)[1:-1]})" if key in tuples else f"{key}={literal(item)}" for key, item in step.items()
    ]
    line = f"dict({', '.join(parts)})"
    return line if len(line) <= _WIDTH else f"dict({f',{chr(10)}         '.join(parts)})"


def wrapped_literal(values: Sequence[object], indent: int) -> str:
    """A list, wrapped over several lines if needed."""
    lines, line = [], ""
    for text in (literal(value) + "," for value in values):
        if line and indent + len(line) + 1 + len(text) > _WIDTH:
            lines.append(line)
            line = text
        else:
            line = f"{line} {text}".strip()
    lines.append(line.removesuffix(","))
    return f"[{(chr(10) + ' ' * indent).join(lines)}]"
