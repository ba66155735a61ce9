"""`heatsvc serve` where it cannot; tests/live has it where it can."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from heatsvc.cli.main import main
from tests.cli.command import line_of, run


def test_a_port_in_use_is_reported_in_a_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("serve", "--port", str(port), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    where = f"127.0.0.1:{port} (settings HEATSVC_HOST, HEATSVC_PORT)"
    assert line_of(done.stderr).startswith(f"heatsvc serve: cannot listen on {where}: ")


def test_a_folder_without_permission_is_reported_in_a_line(tmp_path: Path):
    (tmp_path / "mine").mkdir(0o555)
    done = run("serve", "--port", "0", cwd=tmp_path / "mine", obey_permissions=True)
    assert done.returncode == 1
    assert line_of(done.stderr) == (
        "heatsvc serve: heatsvc-data: the data directory (setting HEATSVC_DATA_DIR) cannot be used: it does not exist "
        "and cannot be created"
    )


def test_a_worker_reports_an_unusable_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heatsvc-data").touch()
    assert main(["worker"]) == 1
    assert line_of(capsys.readouterr().err).startswith("heatsvc worker: heatsvc-data: ")
    assert main(["worker", "--alive"]) == 1
