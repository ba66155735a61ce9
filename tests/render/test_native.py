"""The kernels in C++, each instruction set of this processor: held against NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from heatsvc import _native


@pytest.fixture(params=_native.instruction_sets(), autouse=True)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    _native.use_instruction_set(request.param)
    yield request.param
    _native.use_instruction_set(_native.instruction_sets()[-1])


def test_an_unknown_instruction_set_is_refused() -> None:
    with pytest.raises(ValueError, match="no instruction set 6502"):
        _native.use_instruction_set("6502")


def test_uint8_at_every_boundary() -> None:
    exact = np.concatenate([np.arange(257) / 255, (np.arange(257) + 0.5) / 255]).astype(np.float32)
    around = np.concatenate([exact, np.nextafter(exact, np.float32(0)), np.nextafter(exact, np.float32(2))])
    values = np.concatenate([around[around >= 0], np.float32([0, 1e-45, 2, 1e9, np.inf])])
    out = np.empty(values.size, np.uint8)
    _native.to_uint8(values, out)
    assert (out == np.minimum(np.rint(values * np.float64(255)), 255).astype(np.uint8)).all()


def test_runs_are_written_where_they_start() -> None:
    out = np.zeros(9, np.uint16)
    values = np.array([1, 2, 3, 4], np.uint16)
    _native.scatter(values.view(np.uint8), np.array([1, 6]), np.array([1, 3]), 2, out.view(np.uint8))
    assert out.tolist() == [0, 1, 0, 0, 0, 0, 2, 3, 4]


@pytest.mark.parametrize(
    ("starts", "lengths"),
    [
        ([-1], [4]),
        ([9], [4]),
        ([6], [4]),
        ([0], [3]),
        ([0], [5]),
        ([0, 2], [5, -1]),
        ([0, 1], [2, 2]),
        ([0, 2], [4]),
        ([2**62], [4]),
        ([0], [2**62 + 4]),
    ],
)
def test_runs_that_leave_their_arrays_are_refused(starts: list[int], lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=r"no runs|overlap, or leave|of another size"):
        _native.scatter(np.zeros(8, np.uint8), np.array(starts), np.array(lengths), 2, np.zeros(18, np.uint8))


def test_arrays_of_another_kind_are_refused() -> None:
    out = np.zeros(4, np.uint8)
    for values in (np.zeros(4), np.zeros(8, np.float32)[::2], np.zeros((2, 2), np.float32)):
        with pytest.raises(TypeError):
            _native.to_uint8(values, out)
    out.flags.writeable = False
    with pytest.raises(TypeError):
        _native.to_uint8(np.zeros(4, np.float32), out)
