"""The page's modules with logic, under node's own test runner."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.serving import has

if has("node"):

    @pytest.mark.slow
    @pytest.mark.parametrize("file", sorted(path.name for path in Path(__file__).parent.glob("*.test.mjs")))
    def test_module(file: str) -> None:
        path = Path(__file__).parent / file
        done = subprocess.run(["node", "--test", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
