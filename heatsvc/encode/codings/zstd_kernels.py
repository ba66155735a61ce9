"""The compiled kernels of zstd: runs to blocks, and patches to blocks.

Compiled on import, for one signature that also takes read-only arrays. Runs come as their values' bytes, starts and
lengths in pixels, bytes a pixel, pixels in all, and the fill byte.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import float32, int64, njit, types, uint8, uint64
from numba.extending import intrinsic

Array = npt.NDArray[Any]
Codes = tuple[Array, Array, Array, Array, Array, Array]

_BLOCK = 128 << 10  # the most bytes of a block under a window of 128 KiB
# Runs that are less than this apart may share a compressed block; across more an RLE block is decoded far faster.
_LONG_GAP = 2048
_SHORTEST_GAP = 8  # bytes of fill that are worth a sequence
# Bytes that a gap between two runs costs: the headers of an RLE and a raw block; or a literal and a sequence, about.
_APART = 7
_TOGETHER = 4
_TOGETHER_ONCE = 8  # what a compressed block costs beside, about
_CLEARLY = 11  # a compressed block must save so small a part of its runs' bytes: it takes longer to decode
_MOST_TOGETHER = 4096


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


_RUNS = (_in(uint8), _in(int64), _in(int64), int64, int64)
_OUT = types.Array(uint8, 1, "C")

_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


# Four bytes, eight, or 32, at any place and in one instruction: what a compiler does not make of loops over a few
# bytes. These functions look at no array's end: who calls has room for all of them, those too that are written over
# afterwards.

_AT_ONCE = 32
_BYTES = ir.VectorType(ir.IntType(8), _AT_ONCE)
_LANES = 8  # render.pixels.SIMD_WIDTH
_FLOATS = ir.VectorType(ir.FloatType(), _LANES)


def _at(context: Any, builder: Any, array_type: Any, array: Any, at: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _write_four(_: Any, out: Any, at: Any, value: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, at, value = arguments
        # Little-endian, as all machines are that numba compiles for.
        word = builder.trunc(value, ir.IntType(32))
        builder.store(word, _at(context, builder, signature.args[0], out, at, ir.IntType(32))).align = 1
        return context.get_dummy_value()

    return types.void(out, int64, int64), generate


def _write_eight(_: Any, out: Any, at: Any, value: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, at, value = arguments
        builder.store(value, _at(context, builder, signature.args[0], out, at, ir.IntType(64))).align = 1
        return context.get_dummy_value()

    return types.void(out, int64, uint64), generate


def _copy_many(_: Any, source: Any, begin: Any, out: Any, at: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, begin, out, at = arguments
        values = builder.load(_at(context, builder, signature.args[0], source, begin, _BYTES))
        values.align = 1
        builder.store(values, _at(context, builder, signature.args[2], out, at, _BYTES)).align = 1
        return context.get_dummy_value()

    return types.void(source, int64, out, int64), generate


def _write_products(_: Any, row: Any, begin: Any, factor: Any, out: Any, at: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, begin, factor, out, at = arguments
        values = builder.load(_at(context, builder, signature.args[0], row, begin, _FLOATS))
        values.align = 4
        none = ir.Constant(_FLOATS, ir.Undefined)
        first = builder.insert_element(none, factor, ir.Constant(ir.IntType(32), 0))
        every = builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES))
        products = builder.fmul(values, every)
        builder.store(products, _at(context, builder, signature.args[3], out, at, _FLOATS)).align = 1
        return context.get_dummy_value()

    return types.void(row, int64, float32, out, int64), generate


# (out, at, value): the lowest four bytes of `value`, the lowest first.
_four: Any = intrinsic(_write_four)
# (out, at, value): all eight bytes of it, the lowest first.
_eight: Any = intrinsic(_write_eight)
# (source, begin, out, at): 32 bytes.
_many: Any = intrinsic(_copy_many)
# (row, begin, factor, out, at): the bytes of eight float32 of `row`, from `begin` on, times factor.
_products: Any = intrinsic(_write_products)


@_helper
def _block_header(kind: int, size: int, out: Array, at: int) -> int:
    """A zstd block's three bytes, not the last block (RFC 8878, 3.1.1.2)."""
    header = size << 3 | kind << 1
    out[uint64(at)] = header & 0xFF
    out[uint64(at + 1)] = header >> 8 & 0xFF
    out[uint64(at + 2)] = header >> 16 & 0xFF
    return at + 3


@_helper
def _rle_blocks(size: int, fill: int, out: Array, at: int) -> int:
    """`size` bytes of `fill` as RLE blocks."""
    while size > 0:
        part = min(size, _BLOCK)
        _four(out, at, part << 3 | 1 << 1 | fill << 24)
        at += 4
        size -= part
    return at


@_helper
def _sequences(
    count: int,
    literals: Array,
    matches: Array,
    literal: Codes,
    match: Codes,
    out: Array,
    at: int,
) -> int:
    """A block's sequences section (RFC 8878, 3.1.1.3.2), every offset the byte before: the first repeated one.

    The bits are read from the end, so the last sequence is written first, and of each what is read last. Eight bytes
    are written at a time, of which all but the whole ones are written over.
    """
    if count < 128:
        out[at] = count
        at += 1
    elif count < 0x7F00:
        out[at], out[at + 1] = (count >> 8) + 128, count & 0xFF
        at += 2
    else:
        out[at], out[at + 1], out[at + 2] = 255, (count - 0x7F00) & 0xFF, (count - 0x7F00) >> 8
        at += 3
    # Modes: lengths by the predefined tables, all offsets by one symbol; the symbol, code 0: repeated offset 1.
    out[at], out[at + 1] = 0x10, 0
    at += 2
    literal_code, literal_base, literal_extra, literal_state, literal_bits, literal_baseline = literal
    match_code, match_base, match_extra, match_state, match_bits, match_baseline = match
    pending, held = uint64(0), uint64(0)  # bits that are not written as whole bytes, under 8
    from_literal, from_match = uint64(0), uint64(0)
    for n in range(count - 1, -1, -1):
        ll, ml = literals[uint64(n)], matches[uint64(n)]
        lc, mc = uint64(literal_code[uint64(ll)]), uint64(match_code[uint64(ml)])
        if n == count - 1:
            # Any state of the last symbol will do: the one that would lead on to state 0.
            from_literal, from_match = uint64(literal_state[lc, uint64(0)]), uint64(match_state[mc, uint64(0)])
        else:
            to_match, to_literal = from_match, from_literal
            from_match, from_literal = uint64(match_state[mc, to_match]), uint64(literal_state[lc, to_literal])
            pending |= uint64(int64(to_match) - match_baseline[from_match]) << held
            held += uint64(match_bits[from_match])
            pending |= uint64(int64(to_literal) - literal_baseline[from_literal]) << held
            held += uint64(literal_bits[from_literal])
        pending |= uint64(ll - literal_base[lc]) << held
        held += uint64(literal_extra[lc])
        pending |= uint64(ml - match_base[mc]) << held
        held += uint64(match_extra[mc])
        # At most 6 bits a state and 16 a length, on top of 7.
        _eight(out, at, pending)
        at += int64(held >> uint64(3))
        pending >>= held & uint64(0x38)
        held &= uint64(7)
    # The states that the decoder starts from, and a bit that marks the stream's end.
    pending |= (from_match | from_literal << uint64(6) | uint64(1 << 12)) << held
    held += uint64(13)
    _eight(out, at, pending)
    return at + int64((held + uint64(7)) >> uint64(3))


@_helper
def _raw_blocks(values: Array, source: int, size: int, out: Array, at: int) -> int:
    """`size` bytes of values from `source` on as raw blocks."""
    while size > 0:
        part = min(size, _BLOCK)
        _four(out, at, part << 3)  # the fourth byte is the first of the data
        at += 3
        if source + part + _AT_ONCE <= values.size and at + part + _AT_ONCE <= out.size:
            for i in range(0, part, _AT_ONCE):
                _many(values, source + i, out, at + i)
        else:
            for i in range(part):
                out[uint64(at + i)] = values[uint64(source + i)]
        at += part
        source += part
        size -= part
    return at


@_helper
def _compressed_block(
    values: Array,
    starts: Array,
    lengths: Array,
    itemsize: int,
    fill: int,
    first: int,
    last: int,
    source: int,
    sizes: Array,
    gaps: Array,
    literal: Codes,
    match: Codes,
    out: Array,
    at: int,
) -> int:
    """The runs first..last, both in it, as one block: their bytes are its literals, the gaps its sequences.

    A sequence is a run with one byte of the fill behind it, then a match that repeats that byte.

    Returns:
        where the block ends; 0 for no block, where no gap was worth a sequence.
    """
    end = at + 6  # behind the headers of the block and of its literals
    count = 0
    since = 0  # literals since the last sequence
    for r in range(first, last + 1):
        size = lengths[uint64(r)] * itemsize
        if source + size + _AT_ONCE <= values.size and end + size + _AT_ONCE <= out.size:
            for i in range(0, size, _AT_ONCE):
                _many(values, source + i, out, end + i)
        else:
            for i in range(size):
                out[uint64(end + i)] = values[uint64(source + i)]
        source += size
        end += size
        since += size
        gap = (starts[uint64(r + 1)] - starts[uint64(r)] - lengths[uint64(r)]) * itemsize if r < last else 0
        if gap >= _SHORTEST_GAP:
            out[uint64(end)] = fill
            end += 1
            sizes[uint64(count)] = since + 1
            gaps[uint64(count)] = gap - 1
            since = 0
            count += 1
        else:
            for i in range(gap):
                out[uint64(end + i)] = fill
            end += gap
            since += gap
    written = end - at - 6
    # Also where there are none: a return in between would cost two counts of references for each array.
    end = _sequences(count, sizes, gaps, literal, match, out, end)
    _block_header(2, end - at - 3, out, at)
    # Raw literals, their number in 20 bits (RFC 8878, 3.1.1.3.1.1).
    out[uint64(at + 3)] = 3 << 2 | (written & 0xF) << 4
    out[uint64(at + 4)] = written >> 4 & 0xFF
    out[uint64(at + 5)] = written >> 12 & 0xFF
    return end if count > 0 else 0


# fse.Codes: code, base, extra, state, bits, baseline
_CODES = types.Tuple((_in(uint8), _in(int64), _in(int64), _in(uint8, 2), _in(uint8), _in(uint8)))


@njit(int64(*_RUNS, int64, _CODES, _CODES, _OUT), nogil=True, cache=True, error_model="numpy")
def zstd_blocks(
    values: Array,
    starts: Array,
    lengths: Array,
    itemsize: int,
    size_in_pixels: int,
    fill: int,
    literal: Codes,
    match: Codes,
    out: Array,
) -> int:
    """Write a stretch as zstd blocks, none of them the last; returns the bytes written.

    Gaps are RLE blocks and runs raw blocks, which decoders fill and copy at the speed of memory. Runs that stand close
    together, the rows of one primitive, become one compressed block where that is clearly smaller.
    """
    sizes = np.empty(_MOST_TOGETHER, np.int64)
    gaps = np.empty(_MOST_TOGETHER, np.int64)
    at = 0
    done = 0  # bytes of the stretch that are written
    source = 0
    first = 0
    while first < starts.size:
        begin = starts[uint64(first)] * itemsize
        at = _rle_blocks(begin - done, fill, out, at)
        # Runs first..last stand together, `content` bytes of them.
        last = first
        content = lengths[uint64(first)] * itemsize
        done = begin + content
        while last + 1 < starts.size and last - first < _MOST_TOGETHER:
            following = starts[uint64(last + 1)] * itemsize
            stop = following + lengths[uint64(last + 1)] * itemsize
            if following - done >= _LONG_GAP or stop - begin > _BLOCK:
                break
            last += 1
            content += lengths[uint64(last)] * itemsize
            done = stop
        saved = (_APART - _TOGETHER) * (last - first) - _TOGETHER_ONCE
        end = 0
        if saved * _CLEARLY > content:
            end = _compressed_block(
                values, starts, lengths, itemsize, fill, first, last, source, sizes, gaps, literal, match, out, at
            )
            # A compressed block has to be smaller than what it stands for (3.1.1.2.3).
            if end > 0 and end - at - 3 >= done - begin:
                end = 0
        if end > 0:
            at = end
            source += content
        else:
            # Most runs are short, and the gaps here are: with room behind them both are written without a loop.
            roomy = source + content + _AT_ONCE <= values.size and at + content + 8 * (last - first) + 64 <= out.size
            for r in range(first, last + 1):
                size = lengths[uint64(r)] * itemsize
                if roomy and size <= _AT_ONCE:
                    _four(out, at, size << 3)
                    _many(values, source, out, at + 3)
                    at += 3 + size
                else:
                    at = _raw_blocks(values, source, size, out, at)
                source += size
                gap = 0
                if r < last:
                    gap = (starts[uint64(r + 1)] - starts[uint64(r)] - lengths[uint64(r)]) * itemsize
                if gap > 0:
                    _four(out, at, gap << 3 | 1 << 1 | fill << 24)
                    at += 4
        first = last + 1
    return _rle_blocks(size_in_pixels * itemsize - done, fill, out, at)


@njit(
    int64(_in(int64, 2), _in(float32, 2), int64, int64, _OUT),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def zstd_patches(places: Array, values: Array, width: int, size_in_pixels: int, out: Array) -> int:
    """Write a stretch of patches as zstd blocks, none of them the last; returns the bytes written.

    Rows are raw blocks, and what lies between them is RLE blocks. No row is written down before: the products go where
    they stay. `out` has room for 32 bytes more than that.
    """
    flat = values.reshape(values.size)
    at = 0
    done = 0  # bytes of the stretch that are written
    for patch in range(places.shape[0]):
        begin = places[uint64(patch), uint64(0)] * 4
        size = places[uint64(patch), uint64(1)] * 4
        rows = places[uint64(patch), uint64(2)]
        across = patch * 2 * _LANES
        at = _rle_blocks(begin - done, 0, out, at)
        gap = width * 4 - size
        raw = size << 3
        apart = gap << 3 | 1 << 1
        for row in range(rows):
            # Header and products of a row, and the gap behind it, which takes the place of products too many.
            _four(out, at, raw)
            _products(flat, across, flat[uint64(across + _LANES + row)], out, at + 3)
            at += 3 + size
            if gap <= _BLOCK:
                _four(out, at, apart)
                at += 4
            elif row + 1 < rows:
                at = _rle_blocks(gap, 0, out, at)
        if gap <= _BLOCK:
            at -= 4  # behind the last row is the gap before the next patch
        done = begin + (rows - 1) * width * 4 + size
    return _rle_blocks(size_in_pixels * 4 - done, 0, out, at)
