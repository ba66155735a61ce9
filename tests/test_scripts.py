"""Files that scripts make are fresh."""

from __future__ import annotations

import subprocess
import sys

from tests.serving import ROOT


def test_the_synchronous_client_is_made_from_the_asynchronous_one():
    check = [sys.executable, "scripts/unasync.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_synchronous_client_has_nothing_asynchronous():
    for path in (ROOT / "heatsvc" / "client" / "synchronous").glob("*.py"):
        words = path.read_text()
        for word in ("async ", "await ", "Async", "asyncio", "_async"):
            assert word not in words, path.name
