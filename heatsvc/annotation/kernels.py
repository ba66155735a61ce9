"""The compiled way from a file's array to the pickle's: selecting, checking, converting and counting in one pass.

It needs a second to import and to load, so it is for datasets of thousands; `points` does the same with NumPy, and is
what it is held against. Whatever is not plain (NaN, infinity, more than float16 holds) it leaves to that one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

_EXPONENT = 0x7F800000
_MAGNITUDE = 0x7FFFFFFF
# float16's largest number as float32: 65504.
_LARGEST_HALF = 0x477FE000


@numba.njit(cache=True, nogil=True)
def all_finite(bits: npt.NDArray[np.uint32]) -> bool:
    """Whether no float32 of these bits is infinite or NaN."""
    worst = np.uint32(0)
    for i in range(bits.size):
        worst = max(worst, bits[i] & np.uint32(_MAGNITUDE))
    return worst < np.uint32(_EXPONENT)


@numba.njit(cache=True, nogil=True)
def take_single(
    bits: npt.NDArray[np.uint32],
    places: npt.NDArray[np.int64],
    keypoint: npt.NDArray[np.uint32],
    score: npt.NDArray[np.uint32],
) -> bool:
    """Select points of [T, V, 3] as they are: keypoint [T, n, 2], score [T, n]."""
    for t in range(bits.shape[0]):
        for i in range(places.size):
            place = places[i]
            keypoint[t, i, 0] = bits[t, place, 0]
            keypoint[t, i, 1] = bits[t, place, 1]
            score[t, i] = bits[t, place, 2]
    return True


@numba.njit(cache=True, nogil=True)
def take_half(
    bits: npt.NDArray[np.uint32],
    places: npt.NDArray[np.int64],
    keypoint: npt.NDArray[np.uint16],
    score: npt.NDArray[np.uint16],
) -> bool:
    """The same as float16, rounded to the nearest, ties to even (IEEE 754, 4.3.1). False where one is too large."""
    worst = np.uint32(0)
    for t in range(bits.shape[0]):
        for i in range(places.size):
            place = places[i]
            for c in range(3):
                bit = bits[t, place, c]
                magnitude = bit & np.uint32(_MAGNITUDE)
                worst = max(worst, magnitude)
                if magnitude >= np.uint32(0x38800000):  # 2**-14, float16's smallest normal number
                    even = (magnitude >> np.uint32(13)) & np.uint32(1)
                    half = (magnitude - np.uint32(0x38000000) + np.uint32(0xFFF) + even) >> np.uint32(13)
                elif magnitude <= np.uint32(0x33000000):  # 2**-25, half of its smallest: a tie, to zero
                    half = np.uint32(0)
                else:
                    shift = np.uint32(126) - (magnitude >> np.uint32(23))
                    mantissa = (magnitude & np.uint32(0x7FFFFF)) | np.uint32(0x800000)
                    even = (mantissa >> shift) & np.uint32(1)
                    half = (mantissa + (np.uint32(1) << (shift - np.uint32(1))) - np.uint32(1) + even) >> shift
                written = np.uint16(half | ((bit >> np.uint32(16)) & np.uint32(0x8000)))
                if c == 2:
                    score[t, i] = written
                else:
                    keypoint[t, i, c] = written
    return worst <= np.uint32(_LARGEST_HALF)


@numba.njit(cache=True, nogil=True)
def count_scores(
    scores: npt.NDArray[np.float32], places: npt.NDArray[np.int64], histogram: npt.NDArray[np.int64]
) -> None:
    """Add the scores of [T, V, 3] to a histogram [n, bins] over [0, 1], as `Points` does."""
    bins = histogram.shape[1]
    for t in range(scores.shape[0]):
        for i in range(places.size):
            place = scores[t, places[i], 2] * np.float32(bins)
            histogram[i, int(min(max(place, np.float32(0)), np.float32(bins - 1)))] += 1


def take(
    array: npt.NDArray[np.float32],
    places: npt.NDArray[np.int64],
    keypoint: npt.NDArray[Any],
    score: npt.NDArray[Any],
    whole: npt.NDArray[np.float32],
) -> bool:
    """Select and convert; False where the general way has to.

    Args:
        array: [T, V, 3], the frames to be kept.
        places: positions of the points.
        keypoint, score: [T, n, 2] and [T, n], float16 or float32, to be written.
        whole: all frames of the file, which are checked.
    """
    if not all_finite(whole.reshape(-1).view(np.uint32)):
        return False
    bits = array.view(np.uint32)
    if keypoint.dtype == np.float16:
        fits: bool = take_half(bits, places, keypoint.view(np.uint16), score.view(np.uint16))
        return fits
    done: bool = take_single(bits, places, keypoint.view(np.uint32), score.view(np.uint32))
    return done
