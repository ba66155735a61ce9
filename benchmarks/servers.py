"""Servers under measurement: started on one core, watched through /proc, ended by their process id. Linux only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.load import HOST
from benchmarks.processes import cpu_seconds

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
PEER_PYTHON = PEERS / ".venv" / "bin" / "python"
_UVICORN = ("--loop", "uvloop", "--http", "httptools", "--workers", "1", "--no-access-log", "--log-level", "warning")


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
        """Set the kernel's mark of the largest resident size back to the present one (proc(5), clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_memory(self) -> int:
        """The largest resident size since the start or the last reset, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise OSError("the kernel tells no VmHWM")


@contextmanager
def heatsvc(core: int) -> Iterator[Server]:
    """The service as `heatsvc serve` starts it, without a log line a request."""
    command = [sys.executable, "-m", "heatsvc", "serve", "--host", HOST, "--port"]
    with _server("heatsvc", command, core, {"HEATSVC_ACCESS_LOG": "false"}) as server:
        yield server


@contextmanager
def heatsvc_workers(workers: int) -> Iterator[Server]:
    """The service as `heatsvc serve --workers` starts it, on all cores."""
    command = [sys.executable, "-m", "heatsvc", "serve", "--workers", str(workers), "--host", HOST, "--port"]
    with _server(f"{workers} workers", command, None, {"HEATSVC_ACCESS_LOG": "false"}) as server:
        yield server


@contextmanager
def plain_service(core: int) -> Iterator[Server]:
    """MMAction2 behind FastAPI, in the peers' virtual environment."""
    command = [str(PEER_PYTHON), "-m", "uvicorn", "plain_service:app", "--app-dir", str(PEERS), *_UVICORN]
    with _server("plain", [*command, "--host", HOST, "--port"], core, {}) as server:
        yield server


@contextmanager
def bare_service(core: int, body: bytes, headers: Mapping[str, str]) -> Iterator[Server]:
    """A route that reads the request and answers `body` with `headers`, in heatsvc's own environment."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder)
        (stored / "body").write_bytes(body)
        (stored / "headers").write_text("".join(f"{name}: {value}\n" for name, value in headers.items()))
        command = [sys.executable, "-m", "uvicorn", "benchmarks.bare_service:app", *_UVICORN, "--host", HOST, "--port"]
        with _server("bare", command, core, {"BARE_ANSWER": str(stored)}) as server:
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
def _server(name: str, command: list[str], core: int | None, env: Mapping[str, str]) -> Iterator[Server]:
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        with on_core(core):
            process = subprocess.Popen(
                [*command, str(port)], cwd=ROOT, env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            if not _wait_until_ready(process, port):
                log.seek(0)
                tail = log.read().decode(errors="replace")[-3000:]
                raise RuntimeError(f"{name} did not get ready; its last words:\n{tail}")
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, seconds: float = 180) -> bool:
    """Ask for /health/ready until it says 200. The first start of all compiles the kernels, so the wait is long."""
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
