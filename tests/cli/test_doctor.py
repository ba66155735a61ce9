"""`heatsvc doctor`: what is reported, and what is wrong."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

import heatsvc
from heatsvc.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without a `.env`; and a port that is free."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEATSVC_PORT", "0")
    monkeypatch.setenv("HEATSVC_DEVICE", "cpu")
    return tmp_path


def checked(capsysbinary: pytest.CaptureFixture[bytes], status: int) -> dict[str, Any]:
    """The checks by name, each with its status and its detail."""
    assert main(["doctor", "--json"]) == status
    document = json.loads(capsysbinary.readouterr().out)
    assert document["ok"] is (status == 0)
    assert document["versions"]["heatsvc"] == heatsvc.__version__
    assert {"python", "numpy", "pydantic", "fastapi", "uvicorn"} <= set(document["versions"])
    return {check["name"]: (check["status"], check["detail"]) for check in document["checks"]}


def test_a_sound_installation(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    checks = checked(capsysbinary, 0)
    assert list(checks) == [
        *("heatsvc", "python", "system", "packages", "extras", "settings"),
        *("kernels", "gpu", "data directory", "port", "caption font"),
    ]
    assert checks["kernels"] in (("ok", "native"), ("note", checks["kernels"][1]))
    assert checks["extras"] == ("ok", "hdf5, parquet, torch")
    assert checks["settings"] == ("ok", "set: HEATSVC_DEVICE, HEATSVC_PORT")
    assert checks["data directory"] == ("ok", "heatsvc-data")
    assert checks["port"] == ("ok", "127.0.0.1:0 is free")
    assert not list(folder.iterdir())


def test_it_is_readable(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor"]) == 0
    assert f"heatsvc         {heatsvc.__version__}" in capsys.readouterr().out


def test_a_port_in_use(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("HEATSVC_PORT", str(port))
        status, detail = checked(capsysbinary, 1)["port"]
    assert status == "wrong"
    assert detail.startswith(f"cannot listen on 127.0.0.1:{port} (settings HEATSVC_HOST, HEATSVC_PORT): ")


def test_an_unusable_data_folder(folder: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch):
    (folder / "file").touch()
    monkeypatch.setenv("HEATSVC_DATA_DIR", "file/data")
    status, detail = checked(capsysbinary, 1)["data directory"]
    assert status == "wrong"
    assert "Not a directory" in detail


def test_settings_that_cannot_be(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEATSVC_MAX_CLIPS", "many")
    status, detail = checked(capsysbinary, 1)["settings"]
    assert status == "wrong"
    assert detail.startswith("HEATSVC_MAX_CLIPS: ")


def test_keys_are_not_printed(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEATSVC_API_KEYS", "open-sesame")
    assert main(["doctor", "--json"]) == 0
    assert b"sesame" not in capsysbinary.readouterr().out


def test_a_gpu_that_is_not_there(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEATSVC_DEVICE", "cuda:99")
    status, detail = checked(capsysbinary, 1)["gpu"]
    assert (status, detail[:23]) == ("wrong", "HEATSVC_DEVICE=cuda:99:")
