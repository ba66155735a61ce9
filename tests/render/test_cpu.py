"""Rendering compared with the reference, over every parameter of GeneratePoseTarget, and against the golden files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.render.array import render_array
from heatsvc.render.cpu import plan, render_runs
from heatsvc.volume import HeatmapVolume
from tests.examples import examples
from tests.golden import GOLDEN, golden_volume, load_golden, tolerance
from tests.reference import render_reference
from tests.render.volumes import volumes


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_files_are_reproduced(name: str) -> None:
    case = load_golden(name)
    rendered = render_array(golden_volume(case))
    assert rendered.shape == case.imgs.shape
    np.testing.assert_allclose(rendered, case.imgs, rtol=0, atol=tolerance(case))


@examples(1_500)
@given(volumes())
def test_every_volume_equals_the_reference(volume: HeatmapVolume) -> None:
    rendered, expected = render_array(volume), render_reference(volume)
    assert rendered.shape == expected.shape
    np.testing.assert_allclose(rendered, expected, rtol=1e-6, atol=2e-5 if len(volume.limbs) else 2e-6)


@examples(300)
@given(volumes(reduce=st.just("argmax")))
def test_argmax_names_the_channel_of_the_largest_value(volume: HeatmapVolume) -> None:
    rendered = render_array(volume, "int16")
    expected = render_reference(volume)
    values = render_reference(_with_reduce(volume, "none"))
    if volume.clips:
        values = values.swapaxes(1, 2)
    # Where two channels are within rounding of each other either may be named; elsewhere there is one result.
    for at in np.argwhere(rendered != expected):
        column = values[(*at[:-2], slice(None), at[-2], at[-1])]
        named = column[rendered[tuple(at)]] if rendered[tuple(at)] >= 0 else 0.0
        assert column.max() - named <= 2e-5


@examples(300)
@given(volumes(), st.integers(1, 500))
def test_pieces_put_together_are_the_whole(volume: HeatmapVolume, tile_pixels: int) -> None:
    whole = render_array(volume)
    area = volume.height * volume.width
    cut = plan(volume, tile_pixels)
    assert [tile.first for tile in cut.tiles[1:]] == [tile.last for tile in cut.tiles[:-1]]
    for tile in cut.tiles:
        runs = render_runs(volume, tile, "float32")
        assert runs.values.size <= tile.pixels + 2 * tile.runs
        assert runs.start.size <= tile.runs
        assert np.all(runs.start[1:] >= runs.start[:-1] + runs.length[:-1])
        dense = np.zeros(runs.size, np.float32)
        at = 0
        for start, length in zip(runs.start, runs.length, strict=True):
            dense[start : start + length] = runs.values[at : at + length]
            at += length
        np.testing.assert_array_equal(dense, whole.reshape(-1)[tile.first * area : tile.last * area])


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
@pytest.mark.parametrize("name", ["kp_sigma0.6", "kp_multi_person", "limb_coco", "potion"])
def test_smaller_types_are_the_rounded_float32(name: str, dtype: str) -> None:
    volume = golden_volume(load_golden(name))
    full = render_array(volume)
    expected = full.astype(np.float16) if dtype == "float16" else np.rint(full * 255.0).clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(render_array(volume, dtype), expected)


def test_a_score_above_one_is_255_in_uint8() -> None:
    volume = HeatmapVolume(np.full((1, 1, 1, 2), 4, np.float32), np.full((1, 1, 1), 7.5, np.float32), 9, 9)
    assert render_array(volume, "uint8")[0, 0, 4, 4] == 255


@pytest.mark.parametrize("far", [1e9, -1e9, 3e38, -3e38])
def test_points_far_away_draw_nothing(far: float) -> None:
    keypoint = np.array([[[[far, 3], [3, far], [far, far]]]], np.float32)
    volume = HeatmapVolume(keypoint, np.ones((1, 1, 3), np.float32), 8, 8)
    assert not render_array(volume).any()


def test_a_point_that_is_nan_renders_nothing_whatever_its_score() -> None:
    keypoint = np.full((1, 1, 2, 2), np.nan, np.float32)
    limbs = np.array([[0, 1]], np.int32)
    volume = HeatmapVolume(keypoint, np.ones((1, 1, 2), np.float32), 8, 8, limbs=limbs)
    assert render_array(volume).shape == (1, 3, 8, 8)
    assert not render_array(volume).any()


def test_only_argmax_is_rendered_as_int16() -> None:
    volume = golden_volume(load_golden("kp_sigma0.6"))
    with pytest.raises(ValueError, match="cannot be rendered as int16"):
        render_runs(volume, plan(volume).tiles[0], "int16")


def _with_reduce(volume: HeatmapVolume, reduce: str) -> HeatmapVolume:
    from dataclasses import replace

    return replace(volume, reduce=reduce)
