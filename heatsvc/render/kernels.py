"""The compiled kernels: a map's points to its pixels, and its pixels to runs.

The entry points (`measure`, `render`, `separable_patches`, `primitives`) are compiled when this module is imported, or
loaded from numba's cache, for one signature that also takes read-only arrays: no request ever waits for a compiler.
`heatsvc.render.cpu` imports it when first needed. A volume reaches the kernels as the arguments that `_VOLUME` lists; a
map is identified by its number in output order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import float32, float64, int32, int64, njit, types, uint8, uint64
from numba.extending import intrinsic

Array = npt.NDArray[Any]

# Limb pixels further from the segment than this many sigma stay zero: exp(-5.8**2 / 2) < 2**-24, half a unit in the
# last place of 1. PYSKL computes the tail on, down to 1e-38, 300 times under the tolerance it is compared with.
LIMB_REACH = 5.8
FAR = 1e5  # pixels
# Under this sigma the recurrence of `_gaussian` would leave the range of a double.
SMALLEST_RECURRENT_SIGMA = 0.05
# From this sigma on a primitive of at most SIMD_WIDTH pixels a side has none that is too faint for a float32.
SMALLEST_SMALL_SIGMA = 0.25

# A limb is rendered so many rows at a time, each of them in stretches of so many pixels: most rows are one stretch.
_ROWS = 16
_STRETCH = 8
# exp(-q) is about 1 + q * (_E1 + q * (_E2 + ...)), with a relative error under 4.1e-8 for q from 0 to _MOST: the
# polynomial of degree 6 that is 1 at 0 and whose largest relative error is the smallest (found by Remez's exchange).
_MOST = np.float32(17 / 16)
_E1, _E2, _E3, _E4, _E5, _E6 = (
    np.float32(c) for c in (-0.9999979271, 0.4999651116, -0.1664654839, 0.04111951141, -0.007557181673, 0.000815397572)
)

REDUCE = {"none": 0, "max": 1, "argmax": 2}
_ARGMAX = REDUCE["argmax"]


def _in(dtype: Any, axes: int) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


def _out(dtype: Any) -> Any:
    return types.Array(dtype, 1, "C")


_VOLUME = (
    _in(float32, 4),  # keypoint [M, T, V, 2]
    _in(float32, 3),  # keypoint_score [M, T, V]
    _in(int32, 2),  # limbs [L, 2]
    _in(int32, 1),  # mirror [K]; empty where there is no mirrored copy
    int64,  # channels that are keypoints: V or 0
    int64,  # frames of an output clip; 0 for frames-first order
    int64,  # reduce, a value of REDUCE
    int64,  # H
    int64,  # W
    float64,  # sigma
    float64,  # eps
)

_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
# A product and the sum it goes into may be rounded at once.
_contracted = njit(nogil=True, cache=True, error_model="numpy", forceinline=True, fastmath={"contract"})


@_helper
def _window(low: float, high: float, reach: float, side: int) -> tuple[int, int]:
    """First pixel, and the one after the last, that a Gaussian over low..high touches on an axis of `side` pixels.

    PYSKL's max(int(low - reach), 0) and min(int(high + reach) + 1, side), int cutting toward zero. The numbers are
    cut to the axis before they become integers, so that 1e30 is as good as any.
    """
    first = low - reach
    last = high + reach
    if first >= side or last <= -1.0:
        return 0, 0
    start = np.int64(first) if first > 0.0 else np.int64(0)
    stop = np.int64(last) + 1 if last < side else np.int64(side)
    return start, min(stop, np.int64(side))


@_helper
def _place(index: int, frames: int, channels: int, clip: int) -> tuple[int, int, int]:
    """Frame (the mirrored copy counted on), channel, and frame within its clip, of map number `index`."""
    if clip == 0:
        return index // channels, index % channels, 0
    number = index // (channels * clip)
    step = index % clip
    return number * clip + step, (index // clip) % channels, step


@_helper
def _next(frame: int, channel: int, step: int, channels: int, clip: int) -> tuple[int, int, int]:
    """The place of the following map: what `_place` would say, without its divisions."""
    if clip == 0:
        channel += 1
        if channel == channels:
            return frame + 1, 0, 0
        return frame, channel, 0
    if step + 1 < clip:
        return frame + 1, channel, step + 1
    if channel + 1 < channels:
        return frame + 1 - clip, channel + 1, 0
    return frame + 1, 0, 0


@_helper
def _points_window(keypoint: Array, person: int, frame: int, a: int, b: int, sigma: float, h: int, w: int) -> Any:
    """The window around points a and b of one person in one frame; empty where one is NaN."""
    ax = float64(keypoint[person, frame, a, 0])
    ay = float64(keypoint[person, frame, a, 1])
    bx = float64(keypoint[person, frame, b, 0])
    by = float64(keypoint[person, frame, b, 1])
    if math.isnan(ax + bx + ay + by):
        return 0, 0, 0, 0
    x0, x1 = _window(min(ax, bx), max(ax, bx), 3.0 * sigma, w)
    y0, y1 = _window(min(ay, by), max(ay, by), 3.0 * sigma, h)
    if x1 <= x0 or y1 <= y0:
        return 0, 0, 0, 0
    return x0, x1, y0, y1


@njit(
    types.UniTuple(int64, 4)(*_VOLUME, int64, int64, int64),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def measure(
    keypoint: Array,
    score: Array,
    limbs: Array,
    mirror: Array,
    points: int,
    clip: int,
    reduce: int,
    h: int,
    w: int,
    sigma: float,
    eps: float,
    first: int,
    last: int,
    budget: int,
) -> tuple[int, int, int, int]:
    """How far from map `first` a stretch of at most about `budget` pixels of work reaches.

    Returns:
        the map after the stretch's last one (at most `last`), an upper bound of its non-zero pixels, one of its runs,
        and its work: the pixels of all windows, those that share a pixel too, and the windows that had to be found.
    """
    persons, frames = keypoint.shape[0], keypoint.shape[1]
    channels = points + limbs.shape[0]
    merged = channels if reduce else 1  # channels that share a map
    kept = channels // merged
    order = 0 if reduce else clip
    place = _place(first, frames, kept, order)
    pixels = 0
    rows = 0
    work = 0
    for index in range(first, last):
        mirrored = place[0] >= frames
        frame = place[0] - frames if mirrored else place[0]
        area = 0
        for c in range(place[1], place[1] + merged):
            source = mirror[c] if mirrored else c
            a = source if source < points else limbs[source - points, 0]
            b = source if source < points else limbs[source - points, 1]
            for person in range(persons):
                if min(score[person, frame, a], score[person, frame, b]) < eps:
                    continue
                x0, x1, y0, y1 = _points_window(keypoint, person, frame, a, b, sigma, h, w)
                area += (x1 - x0) * (y1 - y0)
                rows += y1 - y0
        place = _next(place[0], place[1], place[2], kept, order)
        pixels += min(area, h * w)
        work += area + merged * persons
        if work >= budget:
            return index + 1, pixels, rows, work
    return last, pixels, rows, work


# The loops below take whole arrays and positions, not slices, and count positions up in uint64: a slice costs an atomic
# reference count, and a signed position a test for negative ones, either of which is dearer than a pixel. A loop over
# an array behind an `if`, or with a `return` in it, costs that count too: hence loops that may make no turn.


@_helper
def _gaussian(
    centre: float, scale: float, shrink: float, peak: float, start: int, stop: int, backwards: bool, out: Array
) -> None:
    """out[i] = peak * exp(-(start + i - centre)**2 * scale) for the pixels start to stop; or the last one first.

    The ratio of neighbouring values of a Gaussian shrinks by a constant factor, exp(-2 scale), so two exponentials
    serve for all. A shrink of 0 says that they would leave the range of a double: then each value has its own.
    """
    size = stop - start
    offset, step = start - centre, 1.0
    if backwards:
        offset, step = stop - 1 - centre, -1.0
    if shrink == 0.0:
        for i in range(size):
            out[i] = peak * math.exp(-(offset + i * step) * (offset + i * step) * scale)
        return
    value = peak * math.exp(-offset * offset * scale)
    ratio = math.exp(-(2.0 * offset * step + 1.0) * scale)
    for i in range(size):
        out[i] = value
        value *= ratio
        ratio *= shrink


# Eight numbers at once, which a compiler does not make of a loop of eight: it unrolls that first. LLVM turns vectors of
# eight lanes into what the machine has, one AVX register or two of SSE or NEON. These functions look at no array's end:
# who calls has room for all lanes, those too that nobody reads afterwards.

SIMD_WIDTH = 8
_FLOATS = ir.VectorType(ir.FloatType(), SIMD_WIDTH)
_WORDS = ir.VectorType(ir.IntType(32), SIMD_WIDTH)

_LOG2_E = 1.4426950408889634
_LN2 = (0.693359375, -2.12194440e-4)  # in two parts, the first one exact times any whole number of eight bits
_EXP = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0)  # its Taylor series to the seventh power
_LEAST_POWER = -87.0  # of e, that float32 holds in full


def _all(value: float) -> Any:
    return ir.Constant(_FLOATS, [float(np.float32(value))] * SIMD_WIDTH)


def _splat(builder: Any, value: Any) -> Any:
    none = ir.Constant(_FLOATS, ir.Undefined)
    first = builder.insert_element(none, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, none, ir.Constant(_WORDS, [0] * SIMD_WIDTH))


def _lanes(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _FLOATS.as_pointer())


def _exp_lanes(builder: Any, x: Any) -> Any:
    """exp(x) = 2**n * exp(r) for x up to 0, n a whole number next to x / ln 2; for x < -87 as for -87.

    A product and the sum it goes into may be rounded at once: that is faster, and no less exact.
    """
    x = builder.select(builder.fcmp_ordered(">", x, _all(_LEAST_POWER)), x, _all(_LEAST_POWER))
    n = builder.fptosi(builder.fsub(builder.fmul(x, _all(_LOG2_E)), _all(0.5)), _WORDS)
    r = x
    for part in _LN2:
        product = builder.fmul(builder.sitofp(n, _FLOATS), _all(part), flags=("contract",))
        r = builder.fsub(r, product, flags=("contract",))
    series = _all(_EXP[0])
    for term in _EXP[1:]:
        series = builder.fadd(builder.fmul(series, r, flags=("contract",)), _all(term), flags=("contract",))
    bias, shift = ir.Constant(_WORDS, [127] * SIMD_WIDTH), ir.Constant(_WORDS, [23] * SIMD_WIDTH)
    exponent = builder.shl(builder.add(n, bias), shift)
    return builder.fmul(series, builder.bitcast(exponent, _FLOATS))


def _write_gaussian(_: Any, out: Any, at: Any, offset: Any, step: Any, scale: Any, peak: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, at, offset, step, scale, peak = arguments
        place = ir.Constant(_FLOATS, [float(i) for i in range(SIMD_WIDTH)])
        away = builder.fadd(_splat(builder, offset), builder.fmul(place, _splat(builder, step)))
        power = builder.fmul(builder.fmul(away, away), _splat(builder, builder.fneg(scale)))
        values = builder.fmul(_exp_lanes(builder, power), _splat(builder, peak))
        builder.store(values, _lanes(context, builder, signature.args[0], out, at)).align = 4
        return context.get_dummy_value()

    return types.void(out, int64, float32, float32, float32, float32), generate


def _write_scaled(_: Any, row: Any, factor: Any, out: Any, at: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, factor, out, at = arguments
        values = builder.load(_lanes(context, builder, signature.args[0], row, ir.Constant(ir.IntType(64), 0)))
        values.align = 4
        scaled = builder.fmul(values, _splat(builder, factor))
        builder.store(scaled, _lanes(context, builder, signature.args[2], out, at)).align = 4
        return context.get_dummy_value()

    return types.void(row, float32, out, int64), generate


# (out, at, offset, step, scale, peak): out[at + i] = peak * exp(-(offset + i * step)**2 * scale), 1e-7 of `peak` off.
_gaussian_lanes: Any = intrinsic(_write_gaussian)
# (row, factor, out, at): out[at + i] = row[i] * factor.
_scale_lanes: Any = intrinsic(_write_scaled)


@_helper
def _small_primitive(
    across: Array,
    down: Array,
    at: int,
    columns: int,
    rows: int,
    w: int,
    starts: Array,
    lengths: Array,
    values: Array,
    runs: int,
    count: int,
) -> None:
    """Write down * across as `rows` runs of `columns` pixels, at most SIMD_WIDTH of each, the first one at pixel `at`.

    SIMD_WIDTH values are written for each run, so `values` has to have room for as many behind the last.
    """
    for y in range(rows):
        starts[uint64(runs + y)] = at + y * w
        lengths[uint64(runs + y)] = columns
        _scale_lanes(across, down[y], values, count)
        count += columns


@_helper
def _scale_row(row: Array, first: int, size: int, factor: float, out: Array, at: int) -> None:
    """out[at + i] = row[first + i] * factor."""
    for i in range(size):
        out[uint64(at + i)] = float32(row[uint64(first + i)] * factor)


@_helper
def _merge_row(
    canvas: Array, owner: Array, at: int, row: Array, size: int, factor: float, channel: int, own: bool
) -> None:
    """Merge row * factor into the canvas from position `at` on, by maximum.

    Where `own`, remember the channel that gave the value (the lowest, among equals).
    """
    for i in range(size if own else 0):
        if float32(row[i] * factor) > canvas[uint64(at + i)]:
            owner[uint64(at + i)] = channel
    for i in range(size):
        canvas[uint64(at + i)] = max(canvas[uint64(at + i)], float32(row[i] * factor))


@_helper
def _above(row: Array, first: int, last: int, factor: float, cut: float) -> tuple[int, int]:
    """The positions first..last less the ends where row * factor is not above `cut`; both equal where none is."""
    while first < last and not float32(row[uint64(first)] * factor) > cut:
        first += 1
    while last > first and not float32(row[uint64(last - 1)] * factor) > cut:
        last -= 1
    return first, last


@_helper
def _hole(canvas: Array, first: int, last: int, cut: float, gap: int) -> int:
    """Where the first `gap` pixels in a row lie that are not above `cut`; `last` where there is no such hole."""
    under = 0
    for x in range(first, last):
        if canvas[uint64(x)] > cut:
            under = 0
        else:
            under += 1
            if under == gap:
                return x + 1 - gap
    return last


@_helper
def _open_run(
    at: int,
    end: int,
    gap: int,
    fill: float,
    starts: Array,
    lengths: Array,
    values: Array,
    runs: int,
    count: int,
) -> tuple[int, int]:
    """Make pixel `at` the next one of the last run, or of a new one where that ended `gap` or more before it."""
    if runs == 0 or at - end >= gap:
        starts[uint64(runs)] = at
        lengths[uint64(runs)] = 0
        return runs + 1, count
    for i in range(at - end):
        values[uint64(count + i)] = fill
    lengths[uint64(runs - 1)] += at - end
    return runs, count + at - end


@_helper
def _copy(
    canvas: Array, owner: Array, first: int, last: int, own: bool, fill: float, values: Array, count: int
) -> None:
    """The canvas's pixels first..last to `values` from `count` on; where `own` their channels, `fill` for zeros."""
    for i in range(last - first if own else 0):
        seen = canvas[uint64(first + i)] > 0.0
        values[uint64(count + i)] = float32(owner[uint64(first + i)]) if seen else fill
    for i in range(0 if own else last - first):
        values[uint64(count + i)] = canvas[uint64(first + i)]


@_helper
def _clip(
    ax: float, ay: float, bx: float, by: float, ux: float, uy: float, length: float, margin: float, h: int, w: int
) -> tuple[float, float, float, float, float]:
    """The part of a segment that lies within `margin` of the map; what is further away renders nothing.

    Positions along it are counted from its start, as PYSKL counts them. But an end may be 1e30 pixels away, where none
    can be told any more: from FAR on they are counted from the other end, where that is nearer.

    Returns:
        the part's start, direction and length; a length under 0 where there is none.
    """
    if max(abs(ax), abs(ay)) > max(FAR, abs(bx), abs(by)):
        ax, ay, ux, uy = bx, by, -ux, -uy
    near, far = 0.0, length
    for place, step, side in ((ax, ux, float64(w)), (ay, uy, float64(h))):
        if abs(step) > 1e-12:
            one, other = (-margin - place) / step, (side + margin - place) / step
            near, far = max(near, min(one, other)), min(far, max(one, other))
        elif place < -margin or place > side + margin:
            far = -1.0
    x = min(max(ax + near * ux, -margin), w + margin)
    y = min(max(ay + near * uy, -margin), h + margin)
    return x, y, ux, uy, far - near


@_helper
def _segment(
    keypoint: Array, person: int, frame: int, a: int, b: int, margin: float, h: int, w: int
) -> tuple[float, float, float, float, float]:
    """The part of the limb from point a to point b that lies within `margin` of the map.

    Returns:
        start, direction and length: 0 for a limb shorter than one pixel, which is rendered as point a; under 0 for one
        that renders nothing.
    """
    ax, ay = float64(keypoint[person, frame, a, 0]), float64(keypoint[person, frame, a, 1])
    # Subtracted as float32 numbers, all else in float64: so PYSKL decides what is short.
    dx = float64(keypoint[person, frame, b, 0] - keypoint[person, frame, a, 0])
    dy = float64(keypoint[person, frame, b, 1] - keypoint[person, frame, a, 1])
    if dx * dx + dy * dy < 1.0:
        return ax, ay, 1.0, 0.0, 0.0
    length = math.sqrt(dx * dx + dy * dy)
    bx, by = float64(keypoint[person, frame, b, 0]), float64(keypoint[person, frame, b, 1])
    return _clip(ax, ay, bx, by, dx / length, dy / length, length, margin, h, w)


@_contracted
def _fill_stretches(origins: Array, count: int, ux: float, uy: float, peak: float, rows: Array) -> None:
    """The pixels of `count` stretches: peak * exp(-16 q), q the squared distance to the segment.

    Distances are float64 and so are right on a map of any size, for a sigma however small; the rest takes
    float32. Two stretches at a time make a loop of 16 turns: one of 8 LLVM unrolls before it looks for vectors.

    Args:
        origins: [count, or 1 more where that is odd; 3], where each stretch's first pixel is: how far before the
            segment's start, how far past its end, and how far beside the line.
        ux, uy: by how much the next pixel is further along the line, and further beside it.
        peak: in float32.
        rows: takes 8 pixels a stretch, for an even number of stretches.
    """
    for n in range(0, count, 2):
        a, b = uint64(n), uint64(n + 1)
        before_a, past_a, beside_a = origins[a, uint64(0)], origins[a, uint64(1)], origins[a, uint64(2)]
        before_b, past_b, beside_b = origins[b, uint64(0)], origins[b, uint64(1)], origins[b, uint64(2)]
        for i in range(2 * _STRETCH):
            k = float64(i & (_STRETCH - 1))
            before = before_a if i < _STRETCH else before_b
            past = past_a if i < _STRETCH else past_b
            beside = (beside_a if i < _STRETCH else beside_b) + k * uy
            beyond = max(max(before - k * ux, past + k * ux), 0.0)
            q = float32(beyond * beyond + beside * beside)
            e = float32(1.0) + q * (_E1 + q * (_E2 + q * (_E3 + q * (_E4 + q * (_E5 + q * _E6)))))
            e *= e
            e *= e
            e *= e
            e *= e
            rows[uint64(n * _STRETCH + i)] = peak * e if q < _MOST else float32(0.0)


@_helper
def _limb_rows(
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    ax: float,
    ay: float,
    ux: float,
    uy: float,
    length: float,
    reach: float,
    unit: float,
    peak: float,
    side: int,
    spans: Array,
    origins: Array,
    rows: Array,
) -> int:
    """A limb's pixels in the rows y0 to y1: peak * exp(-d**2 / (2 sigma**2)), d the distance to the segment.

    Args:
        x0, x1: the limb's window.
        y0, y1: at most _ROWS rows of it.
        ax, ay, ux, uy, length: the segment: its start, its direction, and how long it is.
        reach: pixels further than that from the line are left out.
        unit: 1 / sqrt(32 sigma**2): lengths times it have squares that are a sixteenth of the exponent.
        side: the map's width for a limb that is rendered mirrored, else 0.
        spans: [_ROWS, 2], takes each row's first pixel and how many.
        origins: as `_fill_stretches` wants it, with room for all stretches of these rows.
        rows: takes the rows' pixels, each row from the next multiple of 8 on, in the order in which they are written.

    Returns:
        how many pixels there are in all.
    """
    slope = 1.0 / uy if abs(uy) > 1e-9 else 1e9
    lean, half = ux * slope, reach * abs(slope)  # the line's way in x from row to row, and the strip's half width
    first, last = float64(x0), x1 - 1.0
    step = -unit if side else unit
    count, pixels = 0, 0
    for y in range(y0, y1):
        py = y - ay
        left, right = max(ax + py * lean - half, first), min(ax + py * lean + half, last)
        start, size = x0, 0
        if left <= right:
            start = np.int64(math.ceil(left))
            size = np.int64(right) + 1 - start
        pixels += size
        row = uint64(y - y0)
        spans[row, uint64(0)] = side - start - size if side else start
        spans[row, uint64(1)] = size
        px = (start + size - 1 if side else start) - ax
        along, beside = px * ux + py * uy, px * uy - py * ux
        before, past, beside = -along * unit, (along - length) * unit, beside * unit
        for _ in range(0, size, _STRETCH):
            origins[uint64(count), uint64(0)] = before
            origins[uint64(count), uint64(1)] = past
            origins[uint64(count), uint64(2)] = beside
            before -= _STRETCH * step * ux
            past += _STRETCH * step * ux
            beside += _STRETCH * step * uy
            count += 1
    _fill_stretches(origins, count, step * ux, step * uy, float32(peak), rows)
    return pixels


@_helper
def _stretches(size: int) -> int:
    """The pixels of the stretches that a row of `size` pixels is rendered in."""
    return (size + _STRETCH - 1) & -_STRETCH


@_helper
def _rows_to_runs(
    spans: Array,
    rows: Array,
    height: int,
    at: int,
    w: int,
    cut: float,
    fill: float,
    gap: int,
    end: int,
    starts: Array,
    lengths: Array,
    values: Array,
    runs: int,
    count: int,
) -> tuple[int, int, int]:
    """Write down the rows that `_limb_rows` drew as runs, less the ends that are not above `cut`.

    Args:
        spans, rows, height: the rows, and how many.
        at: the pixel at which the first one's row of the map begins.
        end: where the last run ended.
        starts, lengths: with room for `height` more runs.
        values: with room for all pixels of the rows and `gap` more for each.

    Returns:
        the runs and the values written so far, and where the last run ended.
    """
    source = 0
    for row in range(height):
        size = spans[uint64(row), uint64(1)]
        left, right = _above(rows, source, source + size, float32(1.0), cut)
        if left < right:
            part = right - left
            first = at + spans[uint64(row), uint64(0)] + left - source
            runs, count = _open_run(first, end, gap, fill, starts, lengths, values, runs, count)
            if count + _stretches(part) <= values.size:
                # Whole stretches: what is written too many is written over, or left behind the last one.
                for i in range(0, part, _STRETCH):
                    for k in range(_STRETCH):
                        values[uint64(count + i + k)] = rows[uint64(left + i + k)]
            else:
                for i in range(part):
                    values[uint64(count + i)] = rows[uint64(left + i)]
            count += part
            lengths[uint64(runs - 1)] += part
            end = first + part
        source += _stretches(size)
        at += w
    return runs, count, end


@_helper
def _merge_rows(
    spans: Array,
    rows: Array,
    y0: int,
    y1: int,
    w: int,
    channel: int,
    own: bool,
    canvas: Array,
    owner: Array,
    low: Array,
    high: Array,
) -> None:
    """Merge the rows that `_limb_rows` drew into the canvas, as `_merge_row` does, and into its rows' low and high."""
    source = 0
    for y in range(y0, y1):
        start, size = spans[uint64(y - y0), uint64(0)], spans[uint64(y - y0), uint64(1)]
        if size > 0:
            low[y] = min(low[y], start)
            high[y] = max(high[y], start + size)
            at = y * w + start
            for i in range(size if own else 0):
                if rows[uint64(source + i)] > canvas[uint64(at + i)]:
                    owner[uint64(at + i)] = channel
            for i in range(size):
                canvas[uint64(at + i)] = max(canvas[uint64(at + i)], rows[uint64(source + i)])
            source += _stretches(size)


@njit(
    types.UniTuple(int64, 2)(
        *_VOLUME,
        int64,
        int64,
        float64,
        float32,
        int64,
        _out(int64),
        _out(int64),
        _out(float32),
    ),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def render(
    keypoint: Array,
    score: Array,
    limbs: Array,
    mirror: Array,
    points: int,
    clip: int,
    reduce: int,
    h: int,
    w: int,
    sigma: float,
    eps: float,
    first: int,
    last: int,
    cut: float,
    fill: float,
    gap: int,
    starts: Array,
    lengths: Array,
    values: Array,
) -> tuple[int, int]:
    """Draw the maps `first` to `last`, each on a canvas of one map, and write down their pixels above `cut` as runs.

    Runs with fewer than `gap` pixels between them are joined, the pixels between written as `fill`.

    Returns:
        the number of runs written to `starts` and `lengths`, and of pixels written to `values`; -1 and 0 where there
        was no room for all. What `measure` allots is room enough, unless rounding makes holes in a limb's faint rim.
    """
    persons, frames = keypoint.shape[0], keypoint.shape[1]
    channels = points + limbs.shape[0]
    merged = channels if reduce else 1  # channels that share a map
    own = reduce == _ARGMAX
    alone = merged == 1 and persons == 1 and not own
    scale = 0.5 / (sigma * sigma)
    shrink = math.exp(-2.0 * scale) if sigma >= SMALLEST_RECURRENT_SIGMA else 0.0
    reach = LIMB_REACH * sigma
    canvas = np.zeros(1 if alone else h * w, np.float32)
    owner = np.zeros(h * w if own else 1, np.int32)
    low = np.full(h, w, np.int64)
    high = np.zeros(h, np.int64)
    across = np.empty(w + SIMD_WIDTH, np.float64)
    down = np.empty(h + SIMD_WIDTH, np.float64)
    small = sigma >= SMALLEST_SMALL_SIGMA
    few_across = np.empty(SIMD_WIDTH, np.float32)
    few_down = np.empty(SIMD_WIDTH, np.float32)
    unit = 0.25 * math.sqrt(scale)
    stretches = _ROWS * _stretches(w) // _STRETCH if limbs.shape[0] else 0
    spans = np.empty((_ROWS, 2), np.int64)
    origins = np.empty((stretches, 3), np.float64)
    rows = np.empty((stretches + 1) * _STRETCH, np.float32)  # read up to 7 pixels beyond the last row
    runs = 0
    count = 0
    end = -gap
    kept = channels // merged
    order = 0 if reduce else clip
    place = _place(first, frames, kept, order)
    for index in range(first, last):
        mirrored = place[0] >= frames
        frame = place[0] - frames if mirrored else place[0]
        channel = place[1]
        place = _next(place[0], place[1], place[2], kept, order)
        side = w if mirrored else 0
        base = (index - first) * h * w
        top, bottom = h, 0
        for c in range(channel, channel + merged):
            source = mirror[c] if mirrored else c
            limb = source >= points
            a = limbs[source - points, 0] if limb else source
            b = limbs[source - points, 1] if limb else source
            for person in range(persons):
                peak = min(score[person, frame, a], score[person, frame, b])
                if peak < eps:
                    continue
                box = _points_window(keypoint, person, frame, a, b, sigma, h, w)
                if box[1] == 0:
                    continue
                x0, x1, y0, y1 = box
                ax, ay = float64(keypoint[person, frame, a, 0]), float64(keypoint[person, frame, a, 1])
                dx, dy, length = 1.0, 0.0, 0.0
                if limb:
                    ax, ay, dx, dy, length = _segment(keypoint, person, frame, a, b, reach + 2.0, h, w)
                    if length < 0.0:
                        continue
                if length > 0.0:
                    top, bottom = min(top, y0), max(bottom, y1)
                    for y in range(y0, y1, _ROWS):
                        until = min(y + _ROWS, y1)
                        pixels = _limb_rows(
                            x0, x1, y, until, ax, ay, dx, dy, length, reach, unit, peak, side, spans, origins, rows
                        )
                        if alone:
                            # The map's only primitive, and convex: its rows, less what is under `cut`, are the runs.
                            if runs + until - y > starts.size or count + pixels + (until - y) * gap > values.size:
                                return -1, 0
                            runs, count, end = _rows_to_runs(
                                spans, rows, until - y, base + y * w, w, cut, fill, gap, end, starts, lengths, values,
                                runs, count,
                            )  # fmt: skip
                        else:
                            _merge_rows(spans, rows, y, until, w, c, own, canvas, owner, low, high)
                    continue
                if limb:
                    peak = score[person, frame, a]
                    x0, x1, y0, y1 = _points_window(keypoint, person, frame, a, a, sigma, h, w)
                    if x1 == 0:
                        continue
                columns, lines = x1 - x0, y1 - y0
                if small and columns <= SIMD_WIDTH and lines <= SIMD_WIDTH:
                    from_x, step = (x1 - 1, -1.0) if mirrored else (x0, 1.0)
                    _gaussian_lanes(few_across, 0, float32(from_x - ax), step, scale, 1.0)
                    _gaussian_lanes(few_down, 0, float32(y0 - ay), 1.0, scale, peak)
                    at = base + y0 * w + (w - x1 if mirrored else x0)
                    # The faintest pixel is in a corner.
                    faintest = min(few_across[0], few_across[columns - 1]) * min(few_down[0], few_down[lines - 1])
                    if (
                        alone
                        and faintest > cut
                        and at - end >= gap
                        and w - columns >= gap
                        and runs + lines <= starts.size
                        and count + lines * columns + SIMD_WIDTH <= values.size
                    ):
                        _small_primitive(
                            few_across, few_down, at, columns, lines, w, starts, lengths, values, runs, count
                        )
                        runs += lines
                        count += lines * columns
                        end = at + (lines - 1) * w + columns
                        continue
                    for i in range(SIMD_WIDTH):
                        across[i], down[i] = few_across[i], few_down[i]
                else:
                    _gaussian(ax, scale, shrink, 1.0, x0, x1, mirrored, across)
                    _gaussian(ay, scale, shrink, peak, y0, y1, False, down)
                for y in range(y0, y1):
                    start, size, factor = x0, x1 - x0, down[y - y0]
                    if mirrored:
                        start = w - start - size
                    if alone:
                        left, right = _above(across, 0, size, factor, cut)
                        if left < right:
                            if runs == starts.size or count + right - left + gap > values.size:
                                return -1, 0
                            at = base + y * w + start + left
                            runs, count = _open_run(at, end, gap, fill, starts, lengths, values, runs, count)
                            _scale_row(across, left, right - left, factor, values, count)
                            count += right - left
                            lengths[uint64(runs - 1)] += right - left
                            end = at + right - left
                    elif size > 0:
                        low[y] = min(low[y], start)
                        high[y] = max(high[y], start + size)
                        _merge_row(canvas, owner, y * w + start, across, size, factor, c, own)
                top, bottom = min(top, y0), max(bottom, y1)
        if alone:
            continue
        for y in range(top, bottom):
            left, right = _above(canvas, y * w + low[y], y * w + high[y], 1.0, cut)
            while left < right:
                # Up to the next hole, which is nearly always the row's end: two persons or limbs in a row make one.
                until = _hole(canvas, left, right, cut, gap)
                if runs == starts.size or count + until - left + gap > values.size:
                    return -1, 0
                runs, count = _open_run(base + left, end, gap, fill, starts, lengths, values, runs, count)
                _copy(canvas, owner, left, until, own, fill, values, count)
                count += until - left
                lengths[runs - 1] += until - left
                end = base + until
                left, right = _above(canvas, until, right, 1.0, cut)
            for x in range(y * w + low[y], y * w + high[y]):
                canvas[uint64(x)] = 0.0
            low[y], high[y] = w, 0
    return runs, count


@njit(
    types.UniTuple(int64, 3)(*_VOLUME, int64, int64, int64, types.Array(int64, 2, "C"), types.Array(float32, 2, "C")),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def separable_patches(
    keypoint: Array,
    score: Array,
    limbs: Array,
    mirror: Array,
    points: int,
    clip: int,
    reduce: int,
    h: int,
    w: int,
    sigma: float,
    eps: float,
    first: int,
    last: int,
    gap: int,
    places: Array,
    values: Array,
) -> tuple[int, int, int]:
    """Render the maps `first` to `last` as separable patches: of a volume with one person, no limbs and no `reduce`.

    Args:
        gap: so many pixels have to be between a row of a patch and the next one, of this patch or of another.
        places: [S, 3], takes the first pixel of each patch, its columns and its rows.
        values: [S, 2 SIMD_WIDTH], takes a row and a column, whose product the patch is. Either has SIMD_WIDTH numbers;
            those beyond columns or rows are undefined.

    Returns:
        how many patches there are, their pixels and their rows; -1, 0, 0 where the maps are not of that kind: a patch
        of more than SIMD_WIDTH pixels a side, one with a pixel that is not above 0, or one too near to the one before.
    """
    frames = keypoint.shape[1]
    scale = 0.5 / (sigma * sigma)
    # SIMD_WIDTH numbers at one place are SIMD lanes of an array of two axes, too.
    flat = values.reshape(values.size)
    count, pixels, rows = 0, 0, 0
    end = -gap
    place = _place(first, frames, points, clip)
    for index in range(first, last):
        mirrored = place[0] >= frames
        frame = place[0] - frames if mirrored else place[0]
        point = mirror[place[1]] if mirrored else place[1]
        place = _next(place[0], place[1], place[2], points, clip)
        peak = score[0, frame, point]
        if peak < eps:
            continue
        x0, x1, y0, y1 = _points_window(keypoint, 0, frame, point, point, sigma, h, w)
        if x1 == 0:
            continue
        columns, lines = x1 - x0, y1 - y0
        at = (index - first) * h * w + y0 * w + (w - x1 if mirrored else x0)
        large = columns > SIMD_WIDTH or lines > SIMD_WIDTH
        if large or at - end < gap or w - columns < gap or count == places.shape[0]:
            return -1, 0, 0
        row = count * 2 * SIMD_WIDTH
        from_x, step = (x1 - 1, -1.0) if mirrored else (x0, 1.0)
        _gaussian_lanes(flat, row, float32(from_x - float64(keypoint[0, frame, point, 0])), step, scale, 1.0)
        _gaussian_lanes(flat, row + SIMD_WIDTH, float32(y0 - float64(keypoint[0, frame, point, 1])), 1.0, scale, peak)
        # The faintest pixel is in a corner.
        across = min(flat[uint64(row)], flat[uint64(row + columns - 1)])
        down = min(flat[uint64(row + SIMD_WIDTH)], flat[uint64(row + SIMD_WIDTH + lines - 1)])
        if not across * down > 0.0:
            return -1, 0, 0
        places[uint64(count), uint64(0)] = at
        places[uint64(count), uint64(1)] = columns
        places[uint64(count), uint64(2)] = lines
        count += 1
        pixels += columns * lines
        rows += lines
        end = at + (lines - 1) * w + columns
    return count, pixels, rows


@njit(
    types.UniTuple(int64, 3)(
        *_VOLUME,
        int64,
        int64,
        _out(int64),
        _out(uint8),
        types.Array(int32, 2, "C"),
        types.Array(float64, 2, "C"),
    ),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def primitives(
    keypoint: Array,
    score: Array,
    limbs: Array,
    mirror: Array,
    points: int,
    clip: int,
    reduce: int,
    h: int,
    w: int,
    sigma: float,
    eps: float,
    at: int,
    base: int,
    starts: Array,
    segments: Array,
    boxes: Array,
    numbers: Array,
) -> tuple[int, int, int]:
    """List the primitives that all maps of a volume are rendered from, for a renderer on another device.

    Args:
        at: the primitives written before; this volume's are written from there on.
        base: the maps written before, in `starts` and `segments`.
        starts: takes for each map its first primitive; the next map's first one ends them.
        segments: takes 1 for each map that has a limb channel, else 0.
        boxes: [F, 4], takes the windows x0, x1, y0, y1 in the map's pixels; those of a mirrored map are not mirrored.
        numbers: [F, 6], takes each segment's start x and y, direction x and y, and length, and the peak; a keypoint is
            a segment of length 0. Where it has no rows nothing is written, and primitives are only counted.

    Returns:
        how many primitives there are, those before included; the pixels of this volume's windows; those of its heaviest
        map.
    """
    persons, frames = keypoint.shape[0], keypoint.shape[1]
    channels = points + limbs.shape[0]
    merged = channels if reduce else 1
    kept = channels // merged if merged else 0
    order = 0 if reduce else clip
    write = numbers.shape[0] > 0
    copies = 2 if mirror.size else 1
    margin = LIMB_REACH * sigma + 2.0
    work, heaviest = 0, 0
    place = (0, 0, 0)
    for index in range(kept * frames * copies):
        mirrored = place[0] >= frames
        frame = place[0] - frames if mirrored else place[0]
        channel = place[1]
        place = _next(place[0], place[1], place[2], kept, order)
        if write:
            starts[base + index] = at
            segments[base + index] = 0
        area = 0
        for c in range(channel, channel + merged):
            source = mirror[c] if mirrored else c
            limb = source >= points
            a = limbs[source - points, 0] if limb else source
            b = limbs[source - points, 1] if limb else source
            if write and limb:
                segments[base + index] = 1
            for person in range(persons):
                peak = min(score[person, frame, a], score[person, frame, b])
                if peak < eps:
                    continue
                x0, x1, y0, y1 = _points_window(keypoint, person, frame, a, b, sigma, h, w)
                if x1 == 0:
                    continue
                ax, ay = float64(keypoint[person, frame, a, 0]), float64(keypoint[person, frame, a, 1])
                ux, uy, length = 1.0, 0.0, 0.0
                if limb:
                    ax, ay, ux, uy, length = _segment(keypoint, person, frame, a, b, margin, h, w)
                    if length == 0.0:
                        peak = score[person, frame, a]
                        x0, x1, y0, y1 = _points_window(keypoint, person, frame, a, a, sigma, h, w)
                    if length < 0.0 or x1 == 0:
                        continue
                area += (x1 - x0) * (y1 - y0)
                if write:
                    boxes[at, 0], boxes[at, 1], boxes[at, 2], boxes[at, 3] = x0, x1, y0, y1
                    numbers[at, 0], numbers[at, 1] = ax, ay
                    numbers[at, 2], numbers[at, 3], numbers[at, 4] = ux, uy, length
                    numbers[at, 5] = peak
                at += 1
        work += area
        heaviest = max(heaviest, area)
    return at, work, heaviest
