"""Peers: programs in virtual environments of their own, made by the scripts in benchmarks/peers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.serving import ROOT

Ask = Callable[..., Any]

_PEERS = ROOT / "benchmarks" / "peers"
_HERE = Path(__file__).parent
# By the name of a peer: what is there once it is installed (an interpreter, or a note), and the script that makes it.
_MADE_BY = {
    "numpy1": (".numpy1/bin/python", "install_numpy1.sh"),
    "mmaction2": (".venv/bin/python", "install.sh"),
    "spoken": (".spoken/installed", "install_spoken.sh"),
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "peer(name): not collected where that peer is not installed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a machine without a peer its tests are left out; where HEATSVC_TEST_ALL is set they stay, and fail."""
    if os.environ.get("HEATSVC_TEST_ALL"):
        return
    missing = [item for item in items if not all(_path(*mark.args).exists() for mark in item.iter_markers("peer"))]
    config.hook.pytest_deselected(items=missing)
    items[:] = [item for item in items if item not in missing]


def _path(peer: str) -> Path:
    return _PEERS / _MADE_BY[peer][0]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs a script of this folder under a peer's Python, without heatsvc; returns the JSON that it prints."""

    def run(peer: str, script: str, *arguments: str | Path) -> Any:
        python = _path(peer)
        assert python.exists(), f"{peer} is not installed: run benchmarks/peers/{_MADE_BY[peer][1]}"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [python, _HERE / script, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
