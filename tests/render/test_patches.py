"""SeparablePatches are the runs of the same pixels, given as a row and a column each; or there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.render.array import render_array
from heatsvc.render.cpu import MAX_PATCH_SIDE, SeparablePatches, plan, render_patches
from heatsvc.volume import Gaussian, HeatmapVolume
from tests.examples import examples
from tests.golden import golden_volume, load_golden
from tests.render.volumes import coordinates, scores


@st.composite
def keypoints(draw: st.DrawFn) -> HeatmapVolume:
    """One person's keypoints on maps of a few pixels, wherever they lie."""
    points, clips = draw(st.integers(1, 4)), draw(st.integers(0, 2))
    shape = (1, draw(st.integers(1, 3)) * max(clips, 1), points)
    xy = draw(st.lists(coordinates, min_size=2 * int(np.prod(shape)), max_size=2 * int(np.prod(shape))))
    score = draw(st.lists(scores, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    keypoint = np.array(xy, np.float32).reshape(*shape, 2)
    keypoint[np.isnan(keypoint).any(axis=-1)] = np.nan
    return HeatmapVolume(
        keypoint=keypoint,
        keypoint_score=np.array(score, np.float32).reshape(shape),
        height=draw(st.integers(1, 30)),
        width=draw(st.integers(1, 30)),
        gaussian=Gaussian(draw(st.floats(0.2, 1.3))),
        double=draw(st.booleans()),
        mirror=np.array(draw(st.permutations(range(points))), np.int32),
        clips=clips,
    )


def dense(patches: SeparablePatches) -> np.ndarray:
    """All pixels of the tile."""
    array = np.zeros(patches.size, np.float32)
    for (first, columns, rows), values in zip(patches.bounds, patches.values, strict=True):
        for y in range(rows):
            at = first + y * patches.width
            array[at : at + columns] = values[:columns] * values[MAX_PATCH_SIDE + y]
    return array


@examples(800)
@given(keypoints(), st.sampled_from([1, 60, 1 << 20]))
def test_patches_are_what_is_rendered(volume: HeatmapVolume, tile_pixels: int) -> None:
    area, whole = volume.height * volume.width, render_array(volume).reshape(-1)
    for tile in plan(volume, tile_pixels).tiles:
        patches = render_patches(volume, tile)
        if patches is None:
            continue
        np.testing.assert_array_equal(dense(patches), whole[tile.first * area : tile.last * area])
        first, columns, rows = patches.bounds.T
        assert (patches.pixels, patches.rows) == (int(columns @ rows), int(rows.sum()))
        last = first + (rows - 1) * patches.width + columns
        assert np.all(first[1:] - last[:-1] >= 2)
        assert np.all(patches.width - columns >= 2)


@pytest.mark.parametrize("case", ["kp_sigma0.6", "clip48_val", "clip16_test_double"])
def test_keypoints_of_the_usual_size_are_patches(case: str) -> None:
    volume = golden_volume(load_golden(case))
    (tile,) = plan(volume).tiles
    patches = render_patches(volume, tile)
    assert patches is not None
    np.testing.assert_array_equal(dense(patches), render_array(volume).reshape(-1))


def one_point(**change: object) -> HeatmapVolume:
    return replace(
        HeatmapVolume(np.full((1, 1, 1, 2), 6, np.float32), np.ones((1, 1, 1), np.float32), 16, 16), **change
    )


@pytest.mark.parametrize(
    "change",
    [
        {"gaussian": Gaussian(1.17)},  # up to nine pixels a side
        {"gaussian": Gaussian(0.24)},  # at the window's edge under the smallest float32
        {"reduce": "max"},
        {"limbs": np.zeros((1, 2), np.int32)},
        {"keypoint": np.full((2, 1, 1, 2), 6, np.float32), "keypoint_score": np.ones((2, 1, 1), np.float32)},
        {"keypoint_score": np.full((1, 1, 1), 1e-43, np.float32), "gaussian": Gaussian(eps=0)},
        {"keypoint_score": np.full((1, 1, 1), np.nan, np.float32)},
        {"width": 5, "keypoint": np.full((1, 1, 1, 2), 2, np.float32)},  # one pixel between its rows
    ],
)
def test_other_things_are_not(change: dict[str, object]) -> None:
    assert render_patches(one_point(), plan(one_point()).tiles[0]) is not None
    volume = one_point(**change)
    assert render_patches(volume, plan(volume).tiles[0]) is None


def test_nor_are_keypoints_whose_rows_meet() -> None:
    """The last pixel of one map is the one before the first of the next."""
    corners = np.array([[[[15, 15], [0, 0]]]], np.float32)
    apart = np.array([[[[15, 13], [0, 0]]]], np.float32)
    for keypoint, found in ((corners, False), (apart, True)):
        volume = one_point(keypoint=keypoint, keypoint_score=np.ones((1, 1, 2), np.float32), gaussian=Gaussian(0.35))
        assert (render_patches(volume, plan(volume).tiles[0]) is not None) == found
