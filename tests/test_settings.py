"""Settings: the memory that they allow fits the machine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from heatsvc.api.request import BODIES, FORM, working_bytes
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import PICTURES
from heatsvc.encode.job import MAX_TILE_BYTES
from heatsvc.render.picture_options import PictureOptions
from heatsvc.settings import Settings, variable_of
from heatsvc.volume import HeatmapVolume
from tests.serving import ROOT

MIB = 1 << 20
SERVICE = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]["heatsvc"]


def plain(value: Any) -> str:
    """A value of the compose file with the defaults of its variables: `${NAME:-value}` is `value`."""
    text = str(value)
    return text.rpartition(":-")[2].rstrip("}") if text.startswith("${") else text


def from_compose() -> Settings:
    fields = {variable_of(name): name for name in Settings.model_fields}
    values = {fields[name]: plain(value) for name, value in SERVICE["environment"].items()}
    return Settings(_env_file=None, **values)


def byte_size(text: str) -> int:
    """Bytes of a size as compose writes it."""
    return int(text[:-1]) * {"m": MIB, "g": 1024 * MIB}[text[-1]]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_the_defaults_fit_2_gib(cores: int) -> None:
    assert Settings(_env_file=None, draw_threads=cores).memory_bytes <= 2048 * MIB


def test_compose_s_settings_fit_its_limit() -> None:
    """Its /tmp is in memory and counts."""
    (tmpfs,) = SERVICE["tmpfs"]
    limit = byte_size(plain(SERVICE["deploy"]["resources"]["limits"]["memory"]))
    assert from_compose().memory_bytes + byte_size(tmpfs.rpartition("=")[2]) <= limit


@pytest.mark.parametrize("settings", [Settings(_env_file=None), from_compose()], ids=["default", "compose"])
def test_the_largest_request_fits_the_budgets(settings: Settings) -> None:
    """A request that needs more than a budget gets all of it, and takes more: the sum would not hold."""
    assert settings.max_body_bytes <= settings.body_memory_bytes
    for media_type in [*BODIES, FORM]:
        assert working_bytes(media_type, settings.max_body_bytes, settings.bounds) <= settings.working_memory_bytes
    assert max(MAX_TILE_BYTES, 4 * settings.max_map_side**2) <= settings.tile_memory_bytes
    side = math.isqrt(settings.max_picture_pixels)
    one = HeatmapVolume(np.zeros((1, 100, 1, 2), np.float32), np.ones((1, 100, 1), np.float32), side, side)
    for format in PICTURES.values():
        picture = PictureOptions(scale=1, frames=1 if format.is_sheet else None)
        planned = format.plan("a", one, "uint8", CODINGS["identity"], settings.bounds, picture=picture)
        writer = format.writer((planned,), CODINGS["identity"], settings.bounds)
        assert writer.buffer_bytes <= settings.picture_memory_bytes


def test_memory_grows_with_workers_and_connections() -> None:
    one = Settings(_env_file=None, draw_threads=1, build_workers=0)
    assert one.model_copy(update={"workers": 3}).memory_bytes == 3 * one.memory_bytes
    more = one.model_copy(update={"max_in_flight": one.max_in_flight + 1})
    assert more.memory_bytes - one.memory_bytes == 320 << 10
