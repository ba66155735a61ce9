"""Child processes for native libraries that read untrusted files.

What a library for workbooks or videos allocates, and where it crashes, cannot be limited from within. So it runs in a
child process whose memory and time the system limits, and whose crash is an error message.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any, TypeVar, cast

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError

R = TypeVar("R")

# Not multiprocessing's spawn: it runs the parent's main script again before any limit is set, and daemons cannot use
# it. The module search path is sent first.
_START = (
    "import pickle, sys\n"
    "sys.path[:] = pickle.load(sys.stdin.buffer)\n"
    "from heatsvc.annotation.child import _serve\n"
    "_serve()\n"
)
_POLL_SECONDS = 0.1


class ChildError(Exception):
    """A child that died, ran out of memory or time, or raised an unexpected exception; the text is the reason."""


def run_in_child(
    function: Callable[..., R],
    *args: Any,
    memory_bytes: int,
    seconds: float,
    token: CancelToken = NEVER_CANCELLED,
) -> R:
    """Call a function in a process of its own, and return its result.

    Args:
        function: a module-level function; a module that imports little starts fast. It may return only lists, tuples,
            dicts, texts, bytes, numbers, booleans and None.
        args: its arguments, which must be picklable.
        memory_bytes: limit of the child's address space.
        seconds: time limit.
        token: checked between steps; cancels the work.

    Raises:
        InputError: raised by the function, in the same class.
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
        # Each thread of NumPy's OpenBLAS, by default one for each core, takes address space, which is limited.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ) as process:
        try:
            while True:
                left = ends - time.monotonic()
                if left <= 0:
                    raise ChildError(f"it took more than {seconds:g} seconds")
                try:
                    response, _ = process.communicate(request, timeout=min(_POLL_SECONDS, left))
                    break
                except subprocess.TimeoutExpired:
                    request = None
                    token.raise_if_cancelled()
        finally:
            if process.poll() is None:
                process.kill()
    return cast(R, _outcome(response, process.returncode))


def _serve() -> None:
    """In the child: read the call, set the limits, call, write the outcome."""
    with os.fdopen(os.dup(1), "wb") as response:
        # Output of libraries must not get into the response.
        os.dup2(2, 1)
        memory_bytes, seconds, call = pickle.load(sys.stdin.buffer)  # noqa: S301 - the parent wrote it
        _set_limits(memory_bytes, seconds)
        try:
            function, args = pickle.loads(call)  # noqa: S301 - the parent wrote it
            outcome: tuple[Any, ...] = ("value", function(*args))
        except InputError as error:
            outcome = ("error", type(error).__module__, type(error).__qualname__, error.args, vars(error))
        except MemoryError:
            outcome = ("failed", "it needed too much memory")
        # A panic of native code is not an Exception.
        except BaseException as error:
            outcome = ("failed", f"{type(error).__name__}: {error}"[:500])
        pickle.dump(outcome, response)


def _set_limits(memory_bytes: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        # Ends the child if the parent was killed.
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        # A system may refuse to set a limit.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _outcome(response: bytes, returncode: int) -> Any:
    try:
        kind, *rest = _PlainUnpickler(BytesIO(response)).load()
    except Exception:
        raise ChildError(f"it ended with code {returncode} before it was done") from None
    if kind == "value":
        return rest[0]
    if kind == "error":
        raise _error(*rest)
    raise ChildError(rest[0])


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles plain values only: the child has read untrusted bytes, and may have been taken over."""

    def find_class(self, module: str, name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not a plain value")


def _error(module: str, name: str, args: tuple[Any, ...], attributes: dict[str, Any]) -> InputError:
    kind = getattr(sys.modules.get(module), name, None)
    if not isinstance(kind, type) or not issubclass(kind, InputError):
        kind = InputError
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error
