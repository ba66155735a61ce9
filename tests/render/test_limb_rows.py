"""Limbs of many rows and of long ones: they are rendered some rows at a time, and those eight pixels at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc import _native
from heatsvc.render.array import render_array
from heatsvc.render.cpu import native_volume, plan
from heatsvc.volume import Gaussian, HeatmapVolume
from tests.examples import examples
from tests.reference import render_reference

coordinates = st.one_of(st.floats(-30, 100, width=32), st.integers(-10, 80).map(float))


@st.composite
def limbs(draw: st.DrawFn) -> HeatmapVolume:
    """Two limbs of one or two persons, on maps of up to 41 rows and 70 columns."""
    persons = draw(st.integers(1, 2))
    xy = draw(st.lists(coordinates, min_size=8 * persons, max_size=8 * persons))
    scores = draw(st.lists(st.floats(0.25, 1, width=32), min_size=4 * persons, max_size=4 * persons))
    return HeatmapVolume(
        keypoint=np.array(xy, np.float32).reshape(persons, 1, 4, 2),
        keypoint_score=np.array(scores, np.float32).reshape(persons, 1, 4),
        height=draw(st.integers(1, 41)),
        width=draw(st.integers(1, 70)),
        gaussian=Gaussian(draw(st.sampled_from([0.001, 0.01, 0.1, 0.4, 0.6, 1.0, 2.0, 6.0]))),
        with_kp=False,
        limbs=np.array([[0, 1], [2, 3]], np.int32),
        double=draw(st.booleans()),
        mirror=np.array([1, 0], np.int32),
        reduce=draw(st.sampled_from(["none", "max"])),
    )


@examples(300)
@given(limbs())
def test_limbs_of_any_size_are_as_near_to_the_formula_as_keypoints_are(volume: HeatmapVolume) -> None:
    np.testing.assert_allclose(render_array(volume), render_reference(volume), rtol=0, atol=2e-6)


@pytest.mark.parametrize("score", [0.3, 1.0])
@pytest.mark.parametrize("sigma", [0.001, 0.6, 5.0])
def test_a_pixel_on_the_limb_is_worth_its_score(score: float, sigma: float) -> None:
    keypoint = np.array([[[[3, 11], [60, 11]]]], np.float32)
    scores, one_limb = np.full((1, 1, 2), score, np.float32), np.array([[0, 1]], np.int32)
    volume = HeatmapVolume(keypoint, scores, 23, 64, Gaussian(sigma), with_kp=False, limbs=one_limb)
    assert (render_array(volume)[0, 0, 11, 3:61] == np.float32(score)).all()


@examples(200)
@given(limbs(), st.integers(0, 40), st.sampled_from([1, 2, 8]))
def test_no_more_is_written_than_there_is_room_for(volume: HeatmapVolume, missing: int, gap: int) -> None:
    (tile,) = plan(volume).tiles
    room = max(tile.pixels + tile.runs * gap - missing, 0)
    starts, lengths = np.full(tile.runs + 9, -7), np.full(tile.runs + 9, -7)
    values = np.full(room + 16, -7, np.float32)
    runs, count = _native.render(
        native_volume(volume), 0, volume.maps, 0.0, 0.0, gap, starts[: tile.runs], lengths[: tile.runs], values[:room]
    )
    assert (starts[tile.runs :] == -7).all()
    assert (lengths[tile.runs :] == -7).all()
    assert (values[room:] == -7).all()
    if runs < 0:
        assert missing
        return
    rendered = np.zeros(render_array(volume).size, np.float32)
    at = 0
    for start, length in zip(starts[:runs], lengths[:runs], strict=True):
        rendered[start : start + length] = values[at : at + length]
        at += length
    assert at == count <= room
    np.testing.assert_array_equal(rendered, render_array(volume).reshape(-1))
