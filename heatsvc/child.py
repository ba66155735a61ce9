"""Child processes for native libraries that read untrusted files.

The memory that a library for workbooks, videos or HDF5 allocates cannot be limited from within the process, nor can its
crashes be caught. So it runs in a child process: the system limits its memory and time, and a crash becomes an error.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO, RawIOBase
from typing import Any, TypeVar, cast

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError

R = TypeVar("R")

# multiprocessing's spawn is not used: it runs the parent's main script again before any limit is set, and daemonic
# processes cannot use it. The module search path is sent first.
_START = "import pickle, sys\nsys.path[:] = pickle.load(sys.stdin.buffer)\nfrom heatsvc.child import _serve\n_serve()\n"
_POLL_SECONDS = 0.1


class ChildError(Exception):
    """A child process died, ran out of memory or time, or raised an unexpected exception. The message is the reason."""


def run_in_child(
    function: Callable[..., R],
    *args: Any,
    memory_bytes: int,
    seconds: float,
    token: CancelToken = NEVER_CANCELLED,
) -> R:
    """Call a function in a child process, and return its result.

    Args:
        function: a module-level function, in a module that imports little so that it starts fast. It may only return
            lists, tuples, dicts, strings, bytes, numbers, booleans and None.
        args: its arguments, which must be picklable.
        memory_bytes: limit of the child's address space.
        seconds: time limit.
        token: checked between steps; cancels the work.

    Raises:
        InputError: the function raised it; the class is preserved.
        ChildError: the child died, took too long, or raised another exception.
    """
    request = pickle.dumps(sys.path) + pickle.dumps((memory_bytes, int(seconds) + 1, pickle.dumps((function, args))))
    ends = time.monotonic() + seconds
    source, sink = os.pipe()
    with (
        open(source, "rb") as requests,
        open(sink, "wb", buffering=0) as pipe,
        subprocess.Popen(  # noqa: S603 - the interpreter, and words of this file
            [sys.executable, "-I", "-c", _START],
            # NumPy's OpenBLAS allocates memory for each core of the machine when it is loaded.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdin=requests,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        requests.close()
        # `communicate` is not used: after a timeout it stops sending its input.
        sender = threading.Thread(target=_send, args=(pipe, request), daemon=True)
        sender.start()
        try:
            while True:
                left = ends - time.monotonic()
                if left <= 0:
                    raise ChildError(f"it took more than {seconds:g} seconds")
                try:
                    response, _ = process.communicate(timeout=min(_POLL_SECONDS, left))
                    break
                except subprocess.TimeoutExpired:
                    token.raise_if_cancelled()
        finally:
            if process.poll() is None:
                process.kill()
            sender.join()
    return cast(R, _outcome(response, process.returncode))


def _send(pipe: RawIOBase, request: bytes) -> None:
    # The pipe breaks if the child has died.
    with suppress(BrokenPipeError), pipe:
        left = memoryview(request)
        while left:
            left = left[pipe.write(left) or 0 :]


def _serve() -> None:
    """In the child: read the call, set the limits, call the function, write the outcome."""
    with os.fdopen(os.dup(1), "wb") as response:
        # Output of libraries must not be mixed with the outcome.
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
        # A panic in native code is not an Exception.
        except BaseException as error:
            outcome = ("failed", f"{type(error).__name__}: {error}"[:500])
        pickle.dump(outcome, response)


def _set_limits(memory_bytes: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        # End the child if the parent is killed.
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        # Some systems refuse to set a limit.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _outcome(response: bytes, returncode: int) -> Any:
    try:
        kind, *rest = _PlainUnpickler(BytesIO(response)).load()
    except Exception:
        raise ChildError(f"the child process ended early, with code {returncode}") from None
    if kind == "value":
        return rest[0]
    if kind == "error":
        raise _error(*rest)
    raise ChildError(rest[0])


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles plain values only: the child has read untrusted bytes and may be compromised."""

    def find_class(self, module: str, name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not a plain value")


def _error(module: str, name: str, args: tuple[Any, ...], attributes: dict[str, Any]) -> InputError:
    kind = getattr(sys.modules.get(module), name, None)
    if not isinstance(kind, type) or not issubclass(kind, InputError):
        kind = InputError
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error
