"""Where nested lists fail to be an array: the slow walk, taken only when the fast way has failed."""

from __future__ import annotations

from dataclasses import dataclass

from heatsvc.cancel import NEVER_CANCELLED, CancelToken

_AXES = {
    1: ("numbers",),
    2: ("points", "numbers"),
    3: ("frames", "points", "numbers"),
    4: ("persons", "frames", "points", "numbers"),
}
# So many items of a list are looked at without asking whether anybody still waits.
_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and in which frame, where a frame can be told."""

    text: str
    frame: int | None = None


def find_fault(value: object, name: str, most_axes: int, token: CancelToken = NEVER_CANCELLED) -> Fault:
    """The first thing that keeps `value` from being an array of at most `most_axes` axes.

    Long lists ask `token` now and then.
    """
    if not isinstance(value, list):
        return Fault(f"{name} is {kind(value)}: it must be lists of numbers")
    shape = _shape(value)
    if len(shape) > most_axes:
        return Fault(f"{name} is nested deeper than {most_axes} lists: it must be lists of numbers, [M, T, V, 2|3]")
    return _walk(value, (), name, shape, token) or Fault(f"{name} must be lists of numbers")


def _walk(item: object, where: tuple[int, ...], name: str, shape: list[int], token: CancelToken) -> Fault | None:
    """The first fault at or below the position `where`; as deep as `shape` is long."""
    if len(where) == len(shape):
        return _fault_of_number(item, where, name)
    fault = _fault_of_list(item, where, name, shape)
    if fault or not isinstance(item, list):
        return fault
    for i, child in enumerate(item):
        if i % _ITEMS == 0:
            token.raise_if_cancelled()
        fault = _walk(child, (*where, i), name, shape, token)
        if fault:
            return fault
    return None


def _fault_of_number(item: object, where: tuple[int, ...], name: str) -> Fault | None:
    if isinstance(item, bool) or not isinstance(item, int | float | None):
        here, frame = path(name, where), _frame(where, len(where))
        return Fault(f"{here} is {kind(item)}: give a number, or null for 'not detected'", frame)
    if isinstance(item, int) and abs(item) >= 1 << 128:
        return Fault(f"{path(name, where)} is a number too large for float32", _frame(where, len(where)))
    return None


def _fault_of_list(item: object, where: tuple[int, ...], name: str, shape: list[int]) -> Fault | None:
    unit, width = _AXES[len(shape)][len(where)], shape[len(where)]
    if isinstance(item, list) and item and len(item) == width:
        return None
    here, frame = path(name, where), _frame(where, len(shape))
    if not isinstance(item, list):
        return Fault(f"{here} is {kind(item)}: it must be a list of {width} {unit}", frame)
    if not item and not where:
        return Fault(f"{name} is empty: it must be lists of numbers")
    if not item:
        return Fault(f"{here} is empty: it must be a list of {unit}", frame)
    first = path(name, (0,) * len(where))
    return Fault(f"{here} has {len(item)} {unit}, {first} has {width}: all need the same number", frame)


def _shape(value: object) -> list[int]:
    """Lengths along the first items. Their number decides how deep the others must be."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _frame(where: tuple[int, ...], axes: int) -> int | None:
    """The frame that a position lies in, where the lists have an axis of frames."""
    axis = axes - 3
    return where[axis] if 0 <= axis < len(where) else None


def path(name: str, where: tuple[int, ...]) -> str:
    """``keypoint[0][3][5]``."""
    return name + "".join(f"[{i}]" for i in where)


def kind(value: object) -> str:
    """A JSON value in words, short: ``"12"``, ``true``, ``null``, ``an object``, ``a list``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 20 else f'"{value[:17]}..."'
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, dict) else "a list"
