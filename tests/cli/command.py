"""The command as a user runs it: in a process of its own, with a pipe or a terminal."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.serving import ROOT

CLIP = ROOT / "openapi" / "examples" / "clip.npy"
PICKLE = ROOT / "openapi" / "examples" / "annotation.pkl"
OF_CLIP = (str(CLIP), "--img-shape", "1080", "1920", "--select", "sign27")
HEATSVC = (sys.executable, "-m", "heatsvc")
_LIBC = ctypes.CDLL(None)
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def run(
    *arguments: str | Path, cwd: Path, given: bytes | None = None, obey_permissions: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Run a command whose output goes to pipes; with `obey_permissions` as a user who is not almighty."""
    return subprocess.run(
        [*HEATSVC, *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
        preexec_fn=_drop_capabilities if obey_permissions else None,
    )


def _heed_signals() -> None:
    """Who runs the tests in the background, or by nohup, has signals ignored, and what they start inherits that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _drop_capabilities() -> None:
    """Root may do to files what others may not, unless it gives this up before it starts a program."""
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def interrupt(
    *arguments: str | Path, cwd: Path, ready: Callable[[], bool], by: signal.Signals = signal.SIGINT
) -> tuple[int, str]:
    """Press Ctrl-C, or send another signal, when the command is `ready`: its exit status and standard error."""
    with subprocess.Popen(
        [*HEATSVC, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_signals,
    ) as process:
        until = time.monotonic() + 60
        while not ready():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.005)
        process.send_signal(by)
        _, complaints = process.communicate(timeout=60)
    return process.returncode, complaints


def run_in_terminal(
    *arguments: str | Path, cwd: Path, size: tuple[int, int] = (30, 80), interrupt_after: bytes | None = None
) -> tuple[int, bytes]:
    """Run a command in a terminal, and press Ctrl-C once it has printed something.

    Returns:
        the exit status, and all that was printed.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    process = subprocess.Popen(
        [*HEATSVC, *map(str, arguments)],
        cwd=cwd,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        preexec_fn=_heed_signals,
    )
    os.close(slave)
    printed, is_interrupted = b"", False
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # as Linux reports the end of a terminal
            break
        if not data:
            break
        printed += data
        if interrupt_after is not None and interrupt_after in printed and not is_interrupted:
            process.send_signal(signal.SIGINT)
            is_interrupted = True
    os.close(master)
    return process.wait(timeout=60), printed


def line_of(complaints: bytes | str) -> str:
    """The only line on standard error."""
    text = complaints.decode() if isinstance(complaints, bytes) else complaints
    assert "Traceback" not in text
    [line] = text.splitlines()
    return line


def files_in(folder: Path) -> Sequence[str]:
    """The files below a folder, hidden ones too, by their relative paths."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
