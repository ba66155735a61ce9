"""Pixels in another type: rounded as NumPy rounds, and clipped to the largest finite number of the type."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from heatsvc.render.array import render_array
from heatsvc.render.cpu import convert
from heatsvc.volume import HeatmapVolume

Float32 = npt.NDArray[np.float32]


def around(values: Float32) -> Float32:
    """The values, and the float32 numbers right before and after each."""
    return np.concatenate([values, np.nextafter(values, np.float32(-np.inf)), np.nextafter(values, np.float32(np.inf))])


def as_float16(values: Float32) -> npt.NDArray[np.float16]:
    """Rounded to nearest; what is beyond the largest finite float16 is that."""
    return np.clip(values, np.float32(-65504), np.float32(65504)).astype(np.float16)


def test_float16_at_every_boundary() -> None:
    """All 65,536 of them, all ties between two neighbors, and what lies next to either."""
    with np.errstate(over="ignore", invalid="ignore"):
        halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
        finite = np.unique(halves[np.isfinite(halves)]).astype(np.float32)
        ties = (finite[:-1] + finite[1:]) / np.float32(2)
        extremes = np.array([65519.996, 65520, 65536, 3e38, np.inf, -65520, -np.inf, 1e-38, 1e-45, -0.0], np.float32)
        values = np.concatenate([around(finite), around(ties), around(extremes)])
    expected = as_float16(values)
    assert np.isfinite(expected).all()
    assert (convert(values, "float16").view(np.uint16) == expected.view(np.uint16)).all()


def test_float16_of_what_is_no_number_is_none() -> None:
    values = np.array([0x7F800001, 0x7FC00000, 0xFFFFFFFF], np.uint32).view(np.float32)
    assert np.isnan(convert(values, "float16")).all()


def test_float16_of_random_bits() -> None:
    values = np.random.default_rng(0).integers(0, 1 << 32, 1_000_000, np.uint64).astype(np.uint32).view(np.float32)
    values = values[~np.isnan(values)]
    assert (convert(values, "float16").view(np.uint16) == as_float16(values).view(np.uint16)).all()


@pytest.mark.parametrize("score", [65504.0, 65519.0, 65520.0, 1e30, 3.4028234e38])
@pytest.mark.parametrize("with_limb", [False, True])
def test_a_large_score_is_clipped_and_never_infinite(score: float, with_limb: bool) -> None:
    points = np.array([[[(4, 4), (12, 9)]]], np.float32)
    scores = np.full((1, 1, 2), score, np.float32)
    limbs = np.array([[0, 1]], np.int32)[: int(with_limb)]
    volume = HeatmapVolume(points, scores, 16, 16, limbs=limbs)
    for dtype, largest in (("float16", 65504), ("float32", score), ("uint8", 255)):
        rendered = render_array(volume, dtype)
        assert np.isfinite(rendered).all()
        assert rendered.max() == np.array(min(score, largest)).astype(dtype)


def test_uint8_at_every_boundary() -> None:
    steps = np.arange(0, 257)
    exact = np.concatenate([steps / 255, (steps + 0.5) / 255]).astype(np.float32)
    values = np.concatenate([around(exact), np.linspace(0, 1, 100_001, dtype=np.float32), np.float32([2, 1e9, np.inf])])
    values = values[values >= 0]
    expected = np.minimum(np.rint(values * np.float64(255)), 255).astype(np.uint8)
    assert (convert(values, "uint8") == expected).all()


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("shape", [(0,), (7,), (3, 0, 2), (3, 5, 2)])
def test_any_shape_and_read_only(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).random(shape, np.float32)
    values.flags.writeable = False
    made = convert(values, dtype)
    assert (made.shape, made.dtype) == (shape, np.dtype(dtype))
    assert (convert(values[..., ::2], dtype) == made[..., ::2]).all()
