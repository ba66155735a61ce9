"""The reference renderer: formulas in NumPy, one keypoint or limb at a time, in float64. Slow, and written to be read.

Tests compare the compiled kernels with it, and it renders if they are not installed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.volume import LARGEST_EXPONENT, Gaussian, HeatmapVolume, Potion

Float32 = npt.NDArray[np.float32]

_FAR = 1e5  # pixels


def render_maps(volume: HeatmapVolume, first: int, last: int) -> npt.NDArray[Any]:
    """Render the maps `first` up to, not including, `last` of a volume, in output order.

    Args:
        volume: a volume of maps, not a PoTion picture.
        first, last: indices of maps.

    Returns:
        float32 [last - first, H, W]; int16 of channel indices for `argmax`, -1 where all channels are zero.
    """
    out = np.zeros((last - first, volume.height, volume.width), np.int16 if volume.reduce == "argmax" else np.float32)
    for image, (frame, channel) in zip(out, _places(volume, first, last), strict=True):
        if volume.reduce == "none":
            image[:] = _render_channel(volume, frame, channel)
            continue
        channels = np.stack([_render_channel(volume, frame, each) for each in range(volume.channels)])
        if volume.reduce == "max":
            image[:] = channels.max(axis=0)
        else:
            image[:] = np.where(channels.max(axis=0) > 0, channels.argmax(axis=0), -1)
    return out


def measure(volume: HeatmapVolume, first: int, last: int, budget: int) -> tuple[int, int, int, int]:
    """Measure maps from `first` on until their work reaches `budget`, or up to `last`.

    Returns:
        the end of the range, at least `first` + 1 and at most `last`; upper bounds of the number of non-zero pixels and
        of runs of these maps; and their work: the pixels of all windows, which may overlap, plus one per primitive.
    """
    pixels = rows = work = 0
    area = volume.height * volume.width
    for index, (frame, channel) in enumerate(_places(volume, first, last), first):
        mine = found = 0
        for source in range(volume.channels) if volume.reduce != "none" else (channel,):
            for _, _, ys, xs in _primitives(volume, *_source(volume, frame, source)):
                mine += len(ys) * len(xs)
                rows += len(ys)
                found += 1
        pixels += min(mine, area)
        work += mine + found
        if work >= budget:
            return index + 1, pixels, rows, work
    return last, pixels, rows, work


def render_potion(volume: HeatmapVolume, potion: Potion) -> Float32:
    """Render the PoTion pictures of a volume, float32 [N, H, W, K x parts]: sums over time, colored by time.

    U_c = sum over t of w_c(t) heatmap(t), over its largest value + 1e-4; I = sum of U_c over c; N_c = U_c / (I + 1)
    (PYSKL, `Heatmap2Potion`).
    """
    count = volume.shape[0]
    frames = replace(volume, potion=None, clips=0, reduce="none")
    heat = render_maps(frames, 0, frames.maps).reshape(count, -1, volume.channels, volume.height, volume.width)
    length = heat.shape[1]
    weights = np.zeros((length, potion.colors))
    for t in range(length):
        place = (potion.colors - 1) * (t / (length - 1) if length > 1 else 1.0)
        for c in range(potion.colors):
            weights[t, c] = max(0.0, 1 - abs(place - c))
    sums = np.einsum("ntkhw,tc->nhwkc", heat.astype(np.float64), weights)
    u = sums / (sums.max(axis=(1, 2), keepdims=True) + 1e-4)
    i = u.sum(axis=-1, keepdims=True)
    parts = {"U": [u], "I": [i], "N": [u / (i + 1)], "full": [u, i, u / (i + 1)]}
    image = np.concatenate(parts[potion.option], axis=-1)
    return image.reshape(volume.shape).astype(np.float32)


def _places(volume: HeatmapVolume, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Frame and channel of each map. Frames of the mirrored copy follow; the channel of a reduced volume is 0."""
    for place in zip(*np.unravel_index(np.arange(first, last), volume.shape[:-2]), strict=True):
        axes = [int(axis) for axis in place]
        channel = 0
        if volume.reduce == "none":
            channel = axes.pop(1)
        frame = axes[-1] if len(axes) == 1 else axes[0] * (volume.frames // volume.clips) + axes[1]
        yield frame, channel


def _source(volume: HeatmapVolume, frame: int, channel: int) -> tuple[int, int]:
    """The frame and channel that a map shows, or whose mirror image it shows."""
    if frame < volume.frames:
        return frame, channel
    return frame - volume.frames, int(volume.mirror[channel])


def _render_channel(volume: HeatmapVolume, frame: int, channel: int) -> Float32:
    """One map, float32 [H, W]: each pixel is the largest value of the persons, or their sum, at most 1."""
    image = np.zeros((volume.height, volume.width), np.float32)
    sigma = volume.gaussian.sigma / volume.gaussian.stride
    for a, b, ys, xs in _primitives(volume, *_source(volume, frame, channel)):
        ends, number = _near_part(a, b), volume.keypoint.dtype.type
        exponent = _distance_squared(*ends, np.array(ys)[:, None], np.array(xs), number) / (2 * sigma**2)
        # The peak of a limb is the lower score of its ends.
        peak = 1.0 if volume.gaussian.peak == "one" else min(a[2], b[2])
        values = (peak * np.exp(-exponent)).astype(np.float32)
        if volume.gaussian.window == "cutoff":
            values[exponent > LARGEST_EXPONENT] = 0
        window = image[ys.start : ys.stop, xs.start : xs.stop]
        if volume.gaussian.persons == "sum":
            np.minimum(window + values, 1, out=window)
        else:
            np.maximum(window, values, out=window)
    return image if frame < volume.frames else image[:, ::-1]


Point = tuple[float, float, float]
"""x, y and score."""


def _primitives(volume: HeatmapVolume, frame: int, channel: int) -> Iterator[tuple[Point, Point, range, range]]:
    """The primitive of a channel for each person in a frame: the two ends of a limb, or a keypoint's center twice, and
    the rows and columns of its window.
    """
    keypoints = volume.keypoint.shape[2] if volume.with_kp else 0
    ends = (channel, channel) if channel < keypoints else tuple(volume.limbs[channel - keypoints])
    for person in range(volume.keypoint.shape[0]):
        a, b = (_point(volume, person, frame, end) for end in ends)
        if math.isnan(a[0]) or math.isnan(b[0]) or min(a[2], b[2]) < volume.gaussian.eps:
            continue
        if channel >= keypoints:
            columns = _limb_window(a[0], b[0], volume.gaussian.sigma, volume.width)
            rows = _limb_window(a[1], b[1], volume.gaussian.sigma, volume.height)
            if not columns or not rows:
                continue
            if sum(length**2 for length in _along(a, b, volume.keypoint.dtype.type)) >= 1:
                yield _rounded(a), _rounded(b), rows, columns
                continue
            # A limb shorter than a pixel is rendered as its first point.
        columns, x = _axis(volume.gaussian, a[0], volume.width)
        rows, y = _axis(volume.gaussian, a[1], volume.height)
        if columns and rows:
            center = x, y, a[2]
            yield center, center, rows, columns


def _point(volume: HeatmapVolume, person: int, frame: int, index: int) -> Point:
    x, y = map(float, volume.keypoint[person, frame, index])
    return x, y, float(volume.keypoint_score[person, frame, index])


def _axis(gaussian: Gaussian, coordinate: float, side: int) -> tuple[range, float]:
    """The pixels of an axis that a Gaussian covers, and its center on the axis; see `Gaussian`.

    Windows are computed in float64. The center is computed from the coordinate in float32, as under NumPy 1.
    """
    exact = (coordinate - gaussian.offset) / gaussian.stride
    center = (float(np.float32(coordinate)) - gaussian.offset) / gaussian.stride
    reach = 3 * (gaussian.sigma / gaussian.stride)
    rounded = float(np.trunc(np.float32(center) + np.float32(0.5)))
    if gaussian.center == "rounded":
        exact = center = rounded
    first, stop = 0, side
    if gaussian.window == "pyskl":
        first, stop = int(exact - reach), int(exact + reach) + 1
    elif gaussian.window == "mmpose":
        size = 2 * reach + 1
        first = int(rounded - reach)
        stop = min(int(rounded + reach + 1), first + math.ceil(size))
        center += first + size // 2 - rounded
    elif gaussian.window == "dark":
        low, high = np.float32(center) - np.float32(reach), np.float32(center) + np.float32(reach) + np.float32(1)
        stop = 0 if low >= side or high < 0 else side
    return range(max(first, 0), min(stop, side)), center


def _limb_window(a: float, b: float, sigma: float, side: int) -> range:
    return range(max(int(min(a, b) - 3 * sigma), 0), min(int(max(a, b) + 3 * sigma) + 1, side))


def _along(a: Point, b: Point, number: type[np.floating[Any]]) -> tuple[float, float]:
    """The vector between two ends, subtracted in the given type. Its square, in float64, decides what is short."""
    with np.errstate(over="ignore"):
        return float(number(b[0] - a[0])), float(number(b[1] - a[1]))


def _rounded(end: Point) -> Point:
    return float(np.float32(end[0])), float(np.float32(end[1])), end[2]


def _near_part(a: Point, b: Point) -> tuple[Point, Point]:
    """The part of a segment within 100,000 pixels of the map, beyond which float64 is not precise enough."""
    return _moved_near(a, b), _moved_near(b, a)


def _moved_near(end: Point, other: Point) -> Point:
    """Move an end that is further away to that distance, along the segment's longer axis."""
    along = other[0] - end[0], other[1] - end[1]
    axis = 0 if abs(along[0]) > abs(along[1]) else 1
    edge = -math.copysign(_FAR, along[axis])
    way = edge - end[axis]
    if way * along[axis] <= 0:
        return end
    across = end[1 - axis] + way * (along[1 - axis] / along[axis])
    return (edge, across, end[2]) if axis == 0 else (across, edge, end[2])


def _distance_squared(
    a: Point, b: Point, y: npt.NDArray[np.int64], x: npt.NDArray[np.int64], number: type[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Squared distance of pixels from a point or a segment, whose ends are subtracted in the given type."""
    if a is b:
        return (x - a[0]) ** 2 + (y - a[1]) ** 2
    along_x, along_y = _along(a, b, number)
    share = np.clip(((x - a[0]) * along_x + (y - a[1]) * along_y) / (along_x**2 + along_y**2), 0.0, 1.0)
    near_x, near_y = a[0] + share * along_x, a[1] + share * along_y
    distances: npt.NDArray[np.float64] = (x - near_x) ** 2 + (y - near_y) ** 2
    return distances
