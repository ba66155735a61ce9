"""Pixels in another type: rounded as NumPy rounds, whatever the value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from heatsvc.render.cpu import convert

Float32 = npt.NDArray[np.float32]


def around(values: Float32) -> Float32:
    """The values, and the float32 numbers right before and behind each."""
    return np.concatenate([values, np.nextafter(values, np.float32(-np.inf)), np.nextafter(values, np.float32(np.inf))])


def test_float16_at_every_boundary() -> None:
    """All 65,536 of them, all ties between two neighbours, and what lies next to either."""
    with np.errstate(over="ignore", invalid="ignore"):
        halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
        finite = np.unique(halves[np.isfinite(halves)]).astype(np.float32)
        ties = (finite[:-1] + finite[1:]) / np.float32(2)
        extremes = np.array([65519.996, 65520, 65536, 3e38, np.inf, -65520, -np.inf, 1e-38, 1e-45, -0.0], np.float32)
        values = np.concatenate([around(finite), around(ties), around(extremes)])
        expected = values.astype(np.float16)
    assert (convert(values, "float16").view(np.uint16) == expected.view(np.uint16)).all()


def test_float16_of_what_is_no_number_is_none() -> None:
    values = np.array([0x7F800001, 0x7FC00000, 0xFFFFFFFF], np.uint32).view(np.float32)
    assert np.isnan(convert(values, "float16")).all()


def test_float16_of_random_bits() -> None:
    values = np.random.default_rng(0).integers(0, 1 << 32, 1_000_000, np.uint64).astype(np.uint32).view(np.float32)
    values = values[~np.isnan(values)]
    with np.errstate(over="ignore"):
        assert (convert(values, "float16").view(np.uint16) == values.astype(np.float16).view(np.uint16)).all()


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
