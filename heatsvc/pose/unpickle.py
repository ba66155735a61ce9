"""A safe unpickler for untrusted pickles: containers, numbers, text and NumPy arrays and numbers, and nothing else.

The standard library's `pickletools.genops` decodes the opcodes without executing any; here those that build plain data
are executed. Nothing is imported, no class is created and no function of the pickle's choice is called: the table of
operations below is complete. Nothing recurses, and each opcode creates at most one object, no larger than its own
bytes, so that memory is limited by the upload's size and by max_pickle_objects.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from itertools import islice
from typing import Any

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.errors import PoseError
from heatsvc.pose.pickled_numpy import CALLABLES, PickledArray, PickledDtype, PickledPartError

# Warning: pickletools' text decoding warns of invalid escapes, which is an error with `-W error`.
_DAMAGED = (
    *(ValueError, LookupError, TypeError, AttributeError, OverflowError),
    *(EOFError, struct.error, MemoryError, Warning),
)
# Integer keys hash to themselves: 32 bits have too few collisions to make a dict slow.
_KEY_LIMIT = 1 << 31
# The token is checked after this number of opcodes: every few milliseconds.
_OPCODES_PER_CHECK = 4096
_BYTES = (("_codecs", "encode"), ("__builtin__", "bytes"), ("builtins", "bytes"))
_SETS = tuple((module, name) for module in ("__builtin__", "builtins") for name in ("set", "frozenset"))


def unpickle(data: bytes, *, bounds: Bounds, file: str | None = None, token: CancelToken = NEVER_CANCELLED) -> object:
    """The content of a pickle of protocol 0 to 5: dicts, lists, tuples, sets, numbers, text, bytes, None, PickledArray.

    Containers may be shared and may contain themselves: callers must not recurse into the result.

    Args:
        token: checked every few thousand opcodes.

    Raises:
        PoseError: the pickle is damaged, or refers to anything else; the message has its name.
        LimitError: more opcodes than max_pickle_objects.
    """
    machine = _Machine(budget=len(data))
    opcodes = pickletools.genops(data)
    limit, count, position = bounds.max_pickle_objects, 0, 0
    while True:
        token.raise_if_cancelled()  # outside of `try`: what it raises is not damage
        try:
            for opcode, argument, at in islice(opcodes, _OPCODES_PER_CHECK):
                position = at or 0
                count += 1
                if count > limit:
                    bounds.check("max_pickle_objects", count, "pickled objects", file=file)
                if opcode.name == "STOP":
                    return machine.stack.pop()
                operation = _OPERATIONS.get(opcode.name)
                if operation is None:
                    raise _RefusedError(f"the pickle's {opcode.name} makes objects that are not plain data")
                operation(machine, argument)
        except _RefusedError as error:
            raise PoseError(f"{error}: the pickle is refused", file=file) from None
        except PickledPartError as error:
            raise PoseError(f"the pickle cannot be read at byte {position:,}: {error}", file=file) from None
        except InputError:
            raise
        except _DAMAGED:  # `genops` raises one where the bytes end before STOP
            raise PoseError(f"the pickle is damaged near byte {position:,}", file=file) from None


class _RefusedError(Exception):
    """The pickle contains something other than plain data."""


class _Name:
    """A function or class that a pickle refers to, and our function instead of it, which only REDUCE calls."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., object]):
        self.call = call


class _Machine:
    """The stack, the marks in it, and the memo: a dict, so that an index of two billion costs no memory.

    Memoized text and lists could be made bytes and sets of any number of times: `budget` limits the sum.
    """

    def __init__(self, budget: int):
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.budget = budget

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def mark(self, _: object) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def pop(self, _: object) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def push_tuple(self, size: int) -> None:
        items = self.stack[-size:]
        if len(items) != size:
            raise IndexError
        self.stack[-size:] = [tuple(items)]

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise TypeError
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_check_key(key)] = value

    def push_dict(self, _: object) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self.set_items(items)

    def push_name(self, module: object, name: object) -> None:
        own = self.encode if (module, name) in _BYTES else self.make_set if (module, name) in _SETS else None
        if own is not None:
            self.stack.append(_Name(own))
            return
        call = CALLABLES.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if call is None:
            raise _RefusedError(
                f"the pickle refers to {f'{module}.{name}'!r:.100}, which is neither a number nor an array"
            )
        self.stack.append(_Name(call))

    def stack_global(self, _: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.push_name(module, name)

    def encode(self, text: object = "", encoding: object = "latin1") -> bytes:
        """Bytes as protocols before 3 write them; empty ones are a call of `bytes` without arguments."""
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise TypeError
        self.spend(len(text))
        return text.encode("latin-1")

    def make_set(self, items: object = ()) -> set[object]:
        """A set as protocols before 4 write it, a call of `set` or `frozenset` with a list."""
        if not isinstance(items, list | tuple):
            raise TypeError
        self.spend(len(items))
        return {_check_key(item, "a set's item") for item in items}

    def add_items(self, _: object) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if type(target) is not set:
            raise TypeError
        target.update(_check_key(item, "a set's item") for item in items)

    def spend(self, size: int) -> None:
        self.budget -= size
        if self.budget < 0:
            raise _RefusedError("the pickle creates bytes and sets that are larger than itself")

    def reduce(self, _: object) -> None:
        arguments, name = self.stack.pop(), self.stack.pop()
        if type(name) is not _Name or type(arguments) is not tuple:
            raise TypeError
        self.stack.append(name.call(*arguments))

    def build(self, _: object) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, PickledArray | PickledDtype):
            raise _RefusedError("the pickle sets the state of something other than an array")
        target.set_state(state)


def _check_key(key: object, what: str = "a dict key") -> str | int | float:
    # The hash of a float has few others of its value below the limit; NaN would never be found again.
    if type(key) is str:
        return key
    if (type(key) is int or type(key) is float) and -_KEY_LIMIT <= key < _KEY_LIMIT:
        return key
    raise _RefusedError(
        f"the pickle has {what} of type {type(key).__name__}, or a large number: it must be text or a number below 2^31"
    )


_Operation = Callable[[_Machine, Any], object]


def _push(machine: _Machine, value: object) -> None:
    machine.stack.append(value)


def _get(machine: _Machine, index: int) -> None:
    machine.stack.append(machine.memo[index])


def _put(machine: _Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


_VALUES = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)

_OPERATIONS: dict[str, _Operation] = {
    **dict.fromkeys(_VALUES, _push),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, _: None),
    "MEMOIZE": lambda machine, _: _put(machine, len(machine.memo)),
    "NONE": lambda machine, _: _push(machine, None),
    "NEWTRUE": lambda machine, _: _push(machine, True),
    "NEWFALSE": lambda machine, _: _push(machine, False),
    "EMPTY_LIST": lambda machine, _: _push(machine, []),
    "EMPTY_DICT": lambda machine, _: _push(machine, {}),
    "EMPTY_SET": lambda machine, _: _push(machine, set()),
    "ADDITEMS": _Machine.add_items,
    "FROZENSET": lambda machine, _: _push(machine, machine.make_set(machine.pop_mark())),
    "EMPTY_TUPLE": lambda machine, _: _push(machine, ()),
    "TUPLE1": lambda machine, _: machine.push_tuple(1),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "TUPLE": lambda machine, _: _push(machine, tuple(machine.pop_mark())),
    "LIST": lambda machine, _: _push(machine, machine.pop_mark()),
    "DICT": _Machine.push_dict,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: _push(machine, machine.stack[-1]),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_mark()),
    "GLOBAL": lambda machine, argument: machine.push_name(*argument.split(" ", 1)),
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}
