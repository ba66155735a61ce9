"""The workers that a service starts have its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from heatsvc.settings import Settings


def test_a_worker_has_the_settings_of_its_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    given = Settings(
        data_dir=tmp_path / "data",
        datasets_dir=tmp_path,
        max_frames=5,
        access_log=False,
        api_keys=(SecretStr("key"),),
        cors_origins=("http://127.0.0.1",),
    )
    for name, value in given.worker_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == given.model_copy(update={"api_keys": (), "cors_origins": ()})
