"""Child: a process of its own for code that strangers' bytes may bring down.

Workbooks and videos are read by native libraries. What such a library allocates, or where it crashes, nobody can
bound from within: so it works in a child that the system bounds, and whose end is a message and not the server's.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any, TypeVar, cast

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError

R = TypeVar("R")

# Not multiprocessing's spawn: that one runs the parent's main script again before any bound is set, and a daemon may
# not use it. The path goes first, for all other imports are found by it.
_START = (
    "import pickle, sys\n"
    "sys.path[:] = pickle.load(sys.stdin.buffer)\n"
    "from heatsvc.annotation.child import _serve\n"
    "_serve()\n"
)
_POLL_SECONDS = 0.1


class ChildError(Exception):
    """A child that died, ran out of memory or time, or failed by its own fault.

    Attributes:
        detail: what became of it: ``it took more than 60 seconds``.
    """

    def __init__(self, detail: str):
        super().__init__(detail)
        self.detail = detail


def run_in_child(
    function: Callable[..., R],
    *args: Any,
    memory_bytes: int,
    seconds: float,
    token: CancelToken = NEVER_CANCELLED,
) -> R:
    """Call a function in a process of its own, and wait for what it gives.

    Args:
        function: one that stands at the top of a module; a module that imports little starts fast. What it returns
            is made of lists, tuples, dicts, texts, bytes, numbers, True, False and None alone.
        args: its arguments, whatever can be pickled.
        memory_bytes: address space that the child may have.
        seconds: how long it may take.
        token: ends the work early.

    Raises:
        InputError: whichever the function raised, as it raised it.
        ChildError: the child died, took too long, or raised anything else.
    """
    request: bytes | None = pickle.dumps(sys.path) + pickle.dumps(
        (memory_bytes, int(seconds) + 1, pickle.dumps((function, args)))
    )
    ends = time.monotonic() + seconds
    with subprocess.Popen(  # noqa: S603 - the interpreter, and words of this file
        [sys.executable, "-I", "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            while True:
                left = ends - time.monotonic()
                if left <= 0:
                    raise ChildError(f"it took more than {seconds:g} seconds")
                try:
                    answer, _ = process.communicate(request, timeout=min(_POLL_SECONDS, left))
                    break
                except subprocess.TimeoutExpired:
                    request = None
                    token.raise_if_cancelled()
        finally:
            if process.poll() is None:
                process.kill()
    return cast(R, _outcome(answer, process.returncode))


def _serve() -> None:
    """What the child does: read the call, bound itself, call, write the outcome."""
    with os.fdopen(os.dup(1), "wb") as answer:
        # What a library prints is no part of the answer.
        os.dup2(2, 1)
        memory_bytes, seconds, call = pickle.load(sys.stdin.buffer)  # noqa: S301 - the parent wrote it
        _bound(memory_bytes, seconds)
        try:
            function, args = pickle.loads(call)  # noqa: S301 - the parent wrote it
            outcome: tuple[Any, ...] = ("value", function(*args))
        except InputError as error:
            outcome = ("error", type(error).__module__, type(error).__qualname__, error.args, vars(error))
        except MemoryError:
            outcome = ("failed", "it needed too much memory")
        # A panic of native code is no Exception.
        except BaseException as error:
            outcome = ("failed", f"{type(error).__name__}: {error}"[:500])
        pickle.dump(outcome, answer)


def _bound(memory_bytes: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        # Should the parent be killed, nobody else ends the child.
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        # A system may know a limit and refuse to set it.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _outcome(answer: bytes, returncode: int) -> Any:
    try:
        kind, *rest = _Plain(BytesIO(answer)).load()
    except Exception:
        raise ChildError(f"it ended with code {returncode} before it was done") from None
    if kind == "value":
        return rest[0]
    if kind == "error":
        raise _error(*rest)
    raise ChildError(rest[0])


class _Plain(pickle.Unpickler):
    """The child has read what a stranger wrote: nothing that it sends is called."""

    def find_class(self, module: str, name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")


def _error(module: str, name: str, args: tuple[Any, ...], attributes: dict[str, Any]) -> InputError:
    kinds = (kind for kind in _kinds(InputError) if (kind.__module__, kind.__qualname__) == (module, name))
    kind = next(kinds, InputError)
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


def _kinds(kind: type[InputError]) -> Iterator[type[InputError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
