"""`make bench-startup`: time until the first response, beside a bare FastAPI app with the same third-party imports.

    python -m benchmarks.startup [--rounds 7] [--python PYTHON]

Both are started in turns on one core, `heatsvc serve` as a user starts it and the app under uvicorn; the clock runs
from the start of the process to the first response of a route that does nothing. `--python` is the interpreter of an
environment that the wheel is installed in: the hook of an editable install takes a tenth of a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from benchmarks.bench import against
from benchmarks.load import HOST
from benchmarks.report import text_table
from benchmarks.servers import Cores, free_port, on_core

_PATH = "/health/live"
_LIST_MODULES = """
import sys, sysconfig
packages = sysconfig.get_path("purelib")
before = set(sys.modules)
import heatsvc.app, heatsvc.cli.main, httptools, uvicorn.main, uvloop
for name, module in sys.modules.items():
    if name not in before and (getattr(module, "__file__", None) or "").startswith(packages):
        print(name)
"""
_BARE_APP = f"""
from fastapi import FastAPI

app = FastAPI()


@app.get("{_PATH}")
async def live() -> dict[str, str]:
    return {{"status": "ok"}}
"""
_TIMEOUT = 60.0


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description="time until the first response")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default=sys.executable, help="the interpreter of another environment")
    options = parser.parse_args()
    listing = subprocess.run(
        [options.python, "-c", _LIST_MODULES], check=True, capture_output=True, text=True, cwd=tempfile.gettempdir()
    ).stdout.split()
    third_party = [name for name in listing if name.partition(".")[0] != "heatsvc"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare_app.py").write_text("".join(f"import {each}\n" for each in third_party) + _BARE_APP)
        ours = ["-m", "heatsvc", "serve", "--host", HOST]
        bare = ["-m", "uvicorn", "bare_app:app", "--host", HOST]
        pairs = [
            (1e3 * start(options.python, ours, folder), 1e3 * start(options.python, bare, folder))
            for _ in range(options.rounds)
        ]
    mine, theirs = map(list, zip(*pairs, strict=True))
    print(text_table([against("", "first response", "ms", mine, theirs, "bare app", 1.3, "ratio at most")]))
    print(f"median {median(mine):.0f} ms; the bare app imports {len(third_party)} third-party modules")


def start(python: str, command: list[str], folder: Path) -> float:
    """Seconds from the start of a server to its first response."""
    port = free_port()
    started = perf_counter()
    with on_core(Cores.available().server):
        process = subprocess.Popen(
            [python, *command, "--port", str(port)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    try:
        while process.poll() is None and perf_counter() - started < _TIMEOUT:
            connection = HTTPConnection(HOST, port, timeout=5)
            try:
                connection.request("GET", _PATH)
                if connection.getresponse().status == 200:
                    return perf_counter() - started
            except OSError:
                sleep(0.005)
            finally:
                connection.close()
        raise RuntimeError(f"{' '.join(command)} does not answer")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
