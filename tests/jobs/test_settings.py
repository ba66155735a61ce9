"""A service's workers have its settings, wherever it has them from."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from heatsvc.settings import Settings


def test_a_worker_has_the_settings_of_its_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    given = Settings(
        data_dir=tmp_path / "data",
        database_url=SecretStr("postgresql://a:b@127.0.0.1/c"),
        datasets_dir=tmp_path,
        max_frames=5,
        access_log=False,
        api_keys=(SecretStr("key"),),
        cors_origins=("http://127.0.0.1",),
    )
    for name, value in given.worker_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == given.model_copy(update={"api_keys": (), "cors_origins": ()})


def test_a_database_is_not_printed():
    assert "secret" not in repr(Settings(database_url=SecretStr("postgresql://a:secret@127.0.0.1/c")))
