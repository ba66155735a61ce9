"""schemathesis, all checks and phases: the OpenAPI document says what a running service takes and gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT, served

pytestmark = pytest.mark.slow

LIMITS = {"HEATSVC_REQUEST_SECONDS": "20", "HEATSVC_MAX_VOLUME_BYTES": "10000000"}
KEY = "a-key"
COMMAND = (
    *("run", "--checks", "all", "--no-color", "--request-timeout", "30"),
    # The hooks have `allowed_requests_are_accepted`, `deleted_builds_are_gone` and `violations_are_refused` in their
    # place, with the reasons.
    *("--exclude-checks", "positive_data_acceptance,use_after_free,negative_data_rejection"),
    *("--generation-deterministic", "--suppress-health-check", "all"),
)


def test_a_service_without_keys(tmp_path: Path) -> None:
    with served(tmp_path, **LIMITS) as port:
        check(tmp_path, port, "--max-examples", "40")


def test_a_service_with_keys(tmp_path: Path) -> None:
    with served(tmp_path, HEATSVC_API_KEYS=KEY, **LIMITS) as port:
        check(tmp_path, port, "--max-examples", "10", "--header", f"Authorization: Bearer {KEY}")


def check(folder: Path, port: int, *options: str) -> None:
    """Run the command on a service; its report is the message where it fails."""
    program = Path(sys.executable).with_name("schemathesis")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.live.schemathesis_hooks"}
    done = subprocess.run(
        [program, *COMMAND, *options, f"http://127.0.0.1:{port}/openapi.json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
