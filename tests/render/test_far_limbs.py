"""Limbs whose ends are far outside the map: up to where float32 ends."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.kernels import KERNELS
from heatsvc.render.array import render_array
from heatsvc.render.cpu import plan, render_runs
from heatsvc.volume import Gaussian, HeatmapVolume, Reduce
from tests.examples import examples
from tests.reference import render_reference


def limb(start: tuple[float, float], end: tuple[float, float], sigma: float = 0.6) -> HeatmapVolume:
    return HeatmapVolume(
        keypoint=np.array([[[start, end]]], np.float32),
        keypoint_score=np.ones((1, 1, 2), np.float32),
        height=16,
        width=16,
        gaussian=Gaussian(sigma),
        with_kp=False,
        limbs=np.array([[0, 1]], np.int32),
    )


@pytest.mark.parametrize("far", [1e3, 1e6, 1e12, 1e19, 1e30, 3e38])
@pytest.mark.parametrize(("x", "y"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_far_end_renders_what_a_nearer_one_in_its_direction_draws(far: float, x: int, y: int) -> None:
    near_end = render_array(limb((5, 6), (5 + 100 * x, 6 + 100 * y)))
    assert near_end.max() == 1
    for start, end in (((5, 6), (5 + far * x, 6 + far * y)), ((5 + far * x, 6 + far * y), (5, 6))):
        # The other coordinate is lost beside 3e38 only where the limb is rendered from its far end.
        np.testing.assert_allclose(render_array(limb(start, end)), near_end, rtol=0, atol=2e-6)


def test_positions_are_counted_from_the_start_as_pyskl_counts_them() -> None:
    # The ends' difference is a float32 number, off by 1e-5 pixels here: which a narrow Gaussian shows.
    volume = limb((-320, 32), (16.32, -1.6), sigma=0.04)
    np.testing.assert_allclose(render_array(volume), render_reference(volume), rtol=2e-6, atol=2e-5)


@pytest.mark.parametrize("kernels", ["native", "reference"])
def test_behind_a_crop_the_difference_of_the_ends_is_float64(kernels: str) -> None:
    start, end = (26.4375, 28.0), (0.0, float(np.float32(-3.8)))
    volume = replace(limb((0, 0), (0, 0), sigma=0.01), keypoint=np.array([[[start, end]]], np.float64))
    before = KERNELS.name
    KERNELS.use(kernels)
    try:
        rendered = render_array(volume)
    finally:
        KERNELS.use(before)
    # Twice the triangle's area over the limb's length is the distance, in exact numbers.
    along = [Fraction(b) - Fraction(a) for a, b in zip(start, end, strict=True)]
    area = along[0] * (1 - Fraction(start[1])) - along[1] * (4 - Fraction(start[0]))
    distance_squared = float(area**2 / (along[0] ** 2 + along[1] ** 2))
    assert rendered[0, 0, 1, 4] == pytest.approx(np.exp(-distance_squared / (2 * 0.01**2)), abs=2e-6)


@given(st.floats(-90_000, 90_000), st.floats(-90_000, 90_000), st.floats(1, 15), st.floats(1, 15))
def test_behind_a_crop_a_limb_ends_at_its_end_however_far_its_start_is(
    x: float, y: float, to_x: float, to_y: float
) -> None:
    ends = np.array([[[(x, y), (to_x, to_y)]]])
    for both in (ends, ends[:, :, ::-1].copy()):
        volume = replace(limb((0, 0), (0, 0), sigma=0.25), keypoint=both)
        np.testing.assert_allclose(render_array(volume), render_reference(volume), rtol=0, atol=2e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_behind_a_crop_an_end_may_be_beyond_float32(sign: int) -> None:
    near_end = render_array(limb((5, 6), (5 + 100 * sign, 6)))
    with np.errstate(over="ignore"):
        for ends in ([(5.0, 6.0), (sign * 6.8e38, 6.0)], [(sign * 6.8e38, 6.0), (5.0, 6.0)]):
            volume = replace(limb((0, 0), (0, 0)), keypoint=np.array([[ends]], np.float64))
            np.testing.assert_allclose(render_array(volume), near_end, rtol=0, atol=2e-6)
    for ends in ([(6.8e38, 6.8e38), (-6.8e38, -6.8e38)], [(6.8e38, 6.0), (-6.8e38, 7.0)]):
        assert np.isfinite(render_array(replace(limb((0, 0), (0, 0)), keypoint=np.array([[ends]], np.float64)))).all()


@pytest.mark.parametrize("kernels", ["native", "reference"])
@pytest.mark.parametrize("far", [1e3, 1e6, 1e9, 1e18, 1e30, 3e38])
def test_two_far_ends_draw_the_line_between_them(far: float, kernels: str) -> None:
    before = KERNELS.name
    KERNELS.use(kernels)
    try:
        for end in (far, -far):
            across, down = render_array(limb((-end, 7), (end, 7))), render_array(limb((6, -end), (8, end)))
            np.testing.assert_allclose(across, render_array(limb((-50, 7), (50, 7))), rtol=0, atol=2e-6)
            if far >= 1e6:
                # In the columns of both windows.
                straight = render_array(limb((7, -50), (7, 50)))[..., 6:9]
                np.testing.assert_allclose(down[..., 6:9], straight, rtol=0, atol=2e-5)
            assert not render_array(limb((-end, 40), (end, 40))).any()
    finally:
        KERNELS.use(before)


any_coordinate = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(-40, 60, width=32),
    st.sampled_from([1e19, -1e17]),
)


@examples(1_500)
@given(
    st.lists(any_coordinate, min_size=16, max_size=16),
    st.floats(0.2, 60),
    st.sampled_from(["none", "max"]),
    st.sampled_from(["float32", "uint8"]),
    st.integers(1, 70),
)
def test_ends_anywhere_keep_pixels_in_their_place(
    xy: list[float], sigma: float, reduce: Reduce, dtype: str, width: int
) -> None:
    volume = HeatmapVolume(
        keypoint=np.array(xy, np.float32).reshape(2, 1, 4, 2),
        keypoint_score=np.ones((2, 1, 4), np.float32),
        height=21,
        width=width,
        gaussian=Gaussian(sigma),
        with_kp=False,
        limbs=np.array([[0, 1], [2, 3]], np.int32),
        reduce=reduce,
    )
    for tile in plan(volume).tiles:
        runs = render_runs(volume, tile, dtype)
        assert runs.start.size == 0 or runs.start[-1] + runs.length[-1] <= runs.size
        assert np.all(runs.start[1:] > runs.start[:-1] + runs.length[:-1])
        assert runs.length.sum() == runs.values.size
        assert np.all((runs.values >= 0) & (runs.values <= (255 if dtype == "uint8" else 1)))


def test_where_rounding_makes_holes_there_is_room_for_them() -> None:
    # Faint rims of long limbs, merged: a row may come apart into more runs than figures.
    rng = np.random.default_rng(0)
    for _ in range(300):
        far = 10.0 ** rng.uniform(1, 30)
        keypoint = (rng.uniform(-1, 1, (2, 1, 2, 2)) * far).astype(np.float32)
        volume = HeatmapVolume(
            keypoint,
            np.ones((2, 1, 2), np.float32),
            64,
            64,
            Gaussian(float(rng.uniform(0.3, 30))),
            with_kp=False,
            limbs=np.array([[0, 1]], np.int32),
        )
        assert np.isfinite(render_array(volume)).all()
