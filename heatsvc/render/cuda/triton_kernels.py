"""The Triton kernels: one program renders one block of one map and writes it once.

This module imports Triton; `heatsvc.render.cuda.renderers` imports it when first needed. Tables are those of
`PackedBatch`; `blocks` is its row for the kind of map, and `count` its number of volumes. A program finds its map by
itself, so that the host need not make a table of programs.
"""

from __future__ import annotations

import triton
import triton.language as tl

# Adding this to a float32 below 2**22 and subtracting it again rounds to integers, ties to even.
_ROUNDER = tl.constexpr(12582912.0)
_LARGEST_FLOAT16 = tl.constexpr(65504.0)
_LARGEST_BFLOAT16 = tl.constexpr(3.3895313892515355e38)


@triton.jit(do_not_specialize=["count"])
def render_keypoints(
    blocks,
    volumes,
    gaussians,
    starts,
    segments,
    boxes,
    numbers,
    out,
    count,
    rows: tl.constexpr,
    columns: tl.constexpr,
    alignment: tl.constexpr,
    plain: tl.constexpr,
):
    """Render maps of keypoints only: each Gaussian is the product of one over x and one over y.

    A block of rows x columns pixels takes rows + columns exponentials for each person whose window it overlaps.

    Args:
        alignment: a power of two that divides the width of every map.
        plain: whether no volume cuts off pixels or sums persons.
    """
    index, y, column, gaussian, pixels, inside = _block(
        blocks, volumes, gaussians, out, count, rows, columns, alignment
    )
    first, last = tl.load(starts + index), tl.load(starts + index + 1)
    # If a volume has both kinds of maps, maps of the other kind are skipped.
    if tl.load(segments + index) != 0:
        inside, last = inside & False, first
    scale = tl.load(gaussian).to(tl.float32)
    rendered = tl.zeros([rows, columns], tl.float32)
    left, right = tl.min(column, 0), tl.max(column, 0)
    top, bottom = tl.min(y, 0), tl.max(y, 0)
    for primitive in range(first, last):
        x0, x1, y0, y1 = _box(boxes, primitive)
        if (x0 <= right) & (x1 > left) & (y0 <= bottom) & (y1 > top):
            exact_dx = column.to(tl.float64) - tl.load(numbers + primitive * 6)
            exact_dy = y.to(tl.float64) - tl.load(numbers + primitive * 6 + 1)
            dx, dy = exact_dx.to(tl.float32), exact_dy.to(tl.float32)
            peak = tl.load(numbers + primitive * 6 + 5).to(tl.float32)
            over_x = tl.where((column >= x0) & (column < x1), tl.exp(-dx * dx * scale), 0.0)
            over_y = tl.where((y >= y0) & (y < y1), peak * tl.exp(-dy * dy * scale), 0.0)
            value = over_y[:, None] * over_x[None, :]
            if plain:
                rendered = tl.maximum(rendered, value)
            else:
                exponent = ((exact_dx * exact_dx)[None, :] + (exact_dy * exact_dy)[:, None]) * tl.load(gaussian)
                value = tl.where(exponent <= tl.load(gaussian + 1), value, 0.0)
                total = tl.minimum(rendered + value, 1.0)
                rendered = tl.where(tl.load(gaussian + 2) != 0, total, tl.maximum(rendered, value))
    _store(pixels, rendered, inside)


@triton.jit(do_not_specialize=["count"])
def render_segments(
    blocks,
    volumes,
    gaussians,
    starts,
    segments,
    boxes,
    numbers,
    out,
    count,
    cut,
    rows: tl.constexpr,
    columns: tl.constexpr,
    alignment: tl.constexpr,
):
    """Render maps with limbs: peak * exp(-distance**2 * scale), for the distance to a segment, or to a keypoint.

    A pixel's position along a segment and its distance from the infinite line through it are each a sum of a number
    for its column and one for its row. These are float64, since their sum may be a small difference of large numbers.

    Args:
        cut: pixels of a limb with a larger distance**2 * scale are 0, as on the CPU.
    """
    index, y, column, gaussian, pixels, inside = _block(
        blocks, volumes, gaussians, out, count, rows, columns, alignment
    )
    first, last = tl.load(starts + index), tl.load(starts + index + 1)
    # If a volume has both kinds of maps, maps of the other kind are skipped.
    if tl.load(segments + index) == 0:
        inside, last = inside & False, first
    scale = tl.load(gaussian).to(tl.float32)
    rendered = tl.zeros([rows, columns], tl.float32)
    left, right = tl.min(column, 0), tl.max(column, 0)
    top, bottom = tl.min(y, 0), tl.max(y, 0)
    for primitive in range(first, last):
        x0, x1, y0, y1 = _box(boxes, primitive)
        if (x0 <= right) & (x1 > left) & (y0 <= bottom) & (y1 > top):
            dx = column.to(tl.float64) - tl.load(numbers + primitive * 6)
            dy = y.to(tl.float64) - tl.load(numbers + primitive * 6 + 1)
            ux, uy = tl.load(numbers + primitive * 6 + 2), tl.load(numbers + primitive * 6 + 3)
            length = tl.load(numbers + primitive * 6 + 4)
            peak = tl.load(numbers + primitive * 6 + 5).to(tl.float32)
            along = (dx * ux)[None, :] + (dy * uy)[:, None]
            beyond = (along - tl.minimum(tl.maximum(along, 0.0), length)).to(tl.float32)
            beside = ((dx * uy)[None, :] - (dy * ux)[:, None]).to(tl.float32)
            power = (beside * beside + beyond * beyond) * scale
            seen = ((column >= x0) & (column < x1))[None, :] & ((y >= y0) & (y < y1))[:, None]
            # A keypoint extends over its whole window.
            seen = seen & (power <= tl.where(length > 0.0, cut, float("inf")))
            rendered = tl.maximum(rendered, tl.where(seen, peak * tl.exp(-power), 0.0))
    _store(pixels, rendered, inside)


@triton.jit
def _block(
    blocks,
    volumes,
    gaussians,
    out,
    count,
    rows: tl.constexpr,
    columns: tl.constexpr,
    alignment: tl.constexpr,
):
    """The block of this program.

    Returns:
        its map; its rows; its columns before any mirroring; the volume's row of `gaussians`; the addresses of its
        pixels, and a mask of those that are inside the map.
    """
    program = tl.program_id(0).to(tl.int64)
    # The last volume that begins at this program or before it. A volume without blocks begins where the next one does.
    volume, beyond = 0, count
    while beyond - volume > 1:
        middle = (volume + beyond) // 2
        if tl.load(blocks + middle) <= program:
            volume = middle
        else:
            beyond = middle
    height = tl.load(volumes + volume * 5).to(tl.int32)
    width = tl.multiple_of(tl.load(volumes + volume * 5 + 1).to(tl.int32), alignment)
    first_pixel = tl.multiple_of(tl.load(volumes + volume * 5 + 2), alignment)
    first_map, first_mirrored = tl.load(volumes + volume * 5 + 3), tl.load(volumes + volume * 5 + 4)
    in_a_row = tl.cdiv(width, columns)
    in_a_map = in_a_row * tl.cdiv(height, rows)
    number = program - tl.load(blocks + volume)
    index, block = first_map + number // in_a_map, (number % in_a_map).to(tl.int32)
    y = (block // in_a_row) * rows + tl.arange(0, rows)
    x = (block % in_a_row) * columns + tl.arange(0, columns)
    column = tl.where(index >= first_mirrored, width - 1 - x, x)
    row_starts = first_pixel + ((index - first_map) * height + y) * width
    pixels = out + row_starts[:, None] + x[None, :]
    inside = (y < height)[:, None] & (x < width)[None, :]
    return index, y, column, gaussians + volume * 3, pixels, inside


@triton.jit
def _box(boxes, primitive):
    """A primitive's window x0, x1, y0, y1."""
    box = boxes + primitive * 4
    return tl.load(box), tl.load(box + 1), tl.load(box + 2), tl.load(box + 3)


@triton.jit
def _store(pixels, rendered, inside):
    """Write a block in the output's type; larger values become its largest finite number."""
    if pixels.dtype.element_ty == tl.uint8:
        rendered = tl.minimum(rendered * 255.0, 255.0) + _ROUNDER - _ROUNDER
    elif pixels.dtype.element_ty == tl.float16:
        rendered = tl.minimum(rendered, _LARGEST_FLOAT16)
    elif pixels.dtype.element_ty == tl.bfloat16:
        rendered = tl.minimum(rendered, _LARGEST_BFLOAT16)
    tl.store(pixels, rendered.to(pixels.dtype.element_ty), mask=inside)
