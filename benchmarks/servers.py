"""Servers that are measured: started as a user starts them, on one core, and ended by their process id. Linux only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.load import HOST
from benchmarks.processes import cpu_seconds

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
PEER_PYTHON = PEERS / ".venv" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the servers and the in-process peer have, and which one the client has."""

    server: int
    client: int

    @classmethod
    def available(cls) -> Cores:
        """The last core for servers, the first for the client: the first one also serves most interrupts."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(server=cores[-1], client=cores[0])

    @property
    def shared(self) -> bool:
        """Whether client and server are on one core, because there is no second."""
        return self.server == self.client


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up and ready."""

    name: str
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time so far, user and system, of all its threads; in steps of a clock tick, 10 ms."""
        return cpu_seconds(self.pid)

    def reset_peak_memory(self) -> None:
        """Set the kernel's record of the peak resident size back to the present one (proc(5), clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_memory(self) -> int:
        """The peak resident size since the start or the last reset, in bytes.

        Raises:
            OSError: the kernel does not report VmHWM.
        """
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise OSError("the kernel does not report VmHWM")


@contextmanager
def heatsvc(core: int | None, workers: int = 1, **settings: str) -> Iterator[Server]:
    """The service, as `heatsvc serve` starts it, with the access log.

    Args:
        core: that it may use; None for all.
        workers: worker processes.
        settings: other than the defaults, `access_log="false"`.
    """
    command = [sys.executable, "-m", "heatsvc", "serve", "--workers", str(workers), "--host", HOST, "--port", "{port}"]
    env = {f"HEATSVC_{setting.upper()}": value for setting, value in settings.items()}
    with start_server("heatsvc", command, core, env) as server:
        yield server


@contextmanager
def plain_service(core: int) -> Iterator[Server]:
    """MMAction2 served by FastAPI, under uvicorn with its defaults, in the peers' virtual environment."""
    command = [str(PEER_PYTHON), "-m", "uvicorn", "plain_service:app", "--app-dir", str(PEERS), "--port", "{port}"]
    with start_server("plain", command, core) as server:
        yield server


@contextmanager
def bare_service(core: int, body: bytes, headers: Mapping[str, str]) -> Iterator[Server]:
    """A route that reads the request and responds with `body` and `headers`, in heatsvc's own environment."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder)
        (stored / "body").write_bytes(body)
        (stored / "headers").write_text("".join(f"{name}: {value}\n" for name, value in headers.items()))
        app = ["benchmarks.bare_service:app", "--app-dir", str(ROOT)]
        command = [sys.executable, "-m", "uvicorn", *app, "--port", "{port}"]
        with start_server("bare", command, core, {"BARE_RESPONSE": str(stored)}) as server:
            yield server


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Pin this process, and what it starts meanwhile, to one core; None leaves it as it is."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def start_server(
    name: str, command: Sequence[str], core: int | None, env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server in an empty folder, wait until it is ready, and end it.

    Args:
        name: in tables and errors.
        command: its words; `{port}` in them is replaced with a free port.
        core: that it may use; None for all.
        env: variables beside this process's own.

    Raises:
        RuntimeError: it does not become ready.
    """
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with on_core(core):
            process = subprocess.Popen(
                words, cwd=folder, env={**os.environ, **(env or {})}, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            if not _wait_until_ready(process, port):
                log.seek(0)
                tail = log.read().decode(errors="replace")[-3000:]
                raise RuntimeError(f"{name} did not become ready; the end of its output:\n{tail}")
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, seconds: float = 180) -> bool:
    """Request /health/ready until it is 200. The first start of all compiles the kernels, which takes long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        connection = HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return True
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    return False
