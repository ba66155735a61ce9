"""heatsvc.draw(format=): the pictures that POST /heatmap returns, without HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import heatsvc
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import InputError, LimitError
from tests.api.client import Client
from tests.api.test_pictures import KINDS, body17
from tests.encode.test_pictures import DECODE

CLIP = {name: value for name, value in body17().items() if name != "pipeline"}
STEPS = body17()["pipeline"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_what_the_service_returns_byte_for_byte(client: Client, kind: str) -> None:
    picture = {"mode": "joint", "skeleton": True, "scale": 2, "caption": "a"}
    response = client.post(json.dumps({**body17(), "picture": picture}).encode(), headers={"accept": KINDS[kind]})
    assert heatsvc.draw(CLIP, STEPS, format=kind, picture=picture) == response.wire


def test_several_clips_are_several_files() -> None:
    files = heatsvc.draw([CLIP, CLIP], STEPS, format="png", picture={"frame": 0})
    assert len(files) == 2
    np.testing.assert_array_equal(DECODE["png"](files[0]), DECODE["png"](files[1]))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"format": "bmp"}, "format"),
        ({"picture": {"mode": "joint"}}, "format"),
        ({"format": "png", "picture": {"scale": 0}}, "picture.scale"),
        ({"format": "png", "picture": {"size": 4}}, "picture.size"),
        ({"format": "png", "picture": {"frame": 9}}, "picture.frame"),
        ({"format": "png", "picture": {"caption": "\U000f0000"}}, "picture.caption"),
        ({"format": "png", "picture": {"caption": "a"}, "caption_font": "none.ttf"}, "picture.caption"),
    ],
)
def test_what_cannot_be_is_an_error_of_its_field(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        heatsvc.draw(CLIP, STEPS, **options)
    assert caught.value.field == field


@pytest.mark.parametrize("options", [{"device": "cpu"}, {"out": np.zeros(1)}])
def test_a_picture_is_rendered_on_the_cpu_into_bytes(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be combined with `device` or `out`"):
        heatsvc.draw(CLIP, STEPS, format="png", **options)


def test_bounds_hold_pictures_too() -> None:
    with pytest.raises(LimitError, match="max_picture_frames=4"):
        heatsvc.draw(CLIP, STEPS, format="gif", bounds=replace(DEFAULT_BOUNDS, max_picture_frames=3))
