"""The compiled loop of zstd that writes blocks (RFC 8878, 3.1.1.2) from literals, sequences and their tables.

Compiled on import, for one signature that also takes read-only arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import int32, int64, njit, types, uint8, uint32, uint64

Array = npt.NDArray[Any]

_BLOCK = 128 << 10
_RAW, _RLE, _COMPRESSED = 0, 1, 2
_RAW_LITERALS, _CODED_LITERALS, _TREELESS_LITERALS = 0, 2, 3
_ONE_STREAM = 256  # fewer literals than this are one stream, more are four, which a decoder reads at the same time
_PREDEFINED, _DESCRIBED, _REPEATED = 0, 2, 3
_SYMBOLS = 64  # of an FSE table; zstd_tables.SYMBOLS

_HEADERS = 32  # bytes of a block beside its literals and sequences: at most 3 + 5 + 6 + 3 + 1 + 3, and a broken byte
_DESCRIPTIONS = 512  # all of a round's, and what a store of 8 bytes oversteps


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


_OUT = types.Array(uint8, 1, "C")

_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


def room(blocks: npt.NDArray[np.int64]) -> int:
    """Bytes that `write_blocks` may touch, for a round's blocks.

    A sequence has 76 bits at the most. Literals' codes may turn out to be half as long again as the literals, which
    then take their place.
    """
    fill, _, literals, sequences = (int(total) for total in blocks.sum(axis=0))
    longest = int(blocks[:, 2].max())
    rle = 4 * (fill // _BLOCK + len(blocks))
    return rle + literals + longest // 2 + 10 * sequences + _HEADERS * len(blocks) + _DESCRIPTIONS


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
        at = _block_header(_RLE, part, out, at)
        out[uint64(at)] = fill
        at += 1
        size -= part
    return at


@_helper
def _copy(source: Array, first: int, size: int, out: Array, at: int) -> int:
    for i in range(size):
        out[uint64(at + i)] = source[uint64(first + i)]
    return at + size


@_helper
def _store(pending: int, held: int, at: int, out: Array) -> tuple[int, int, int]:
    """Eight bytes of the pending bits to `out`, one store; as many as are whole are done with."""
    for i in range(8):
        out[uint64(at + i)] = pending >> uint64(8 * i) & uint64(0xFF)
    return pending >> uint64(held & ~7), held & 7, at + (held >> 3)


@_helper
def _stream(literals: Array, first: int, size: int, codes: Array, out: Array, at: int) -> int:
    """Literals in their Huffman codes: a decoder begins at the end, so the last literal is written first (4.2.2)."""
    pending, held = uint64(0), 0
    i = first + size - 1
    for _ in range(size >> 2):
        for k in range(4):
            code = uint64(codes[literals[uint64(i - k)]])
            pending |= (code >> uint64(4)) << uint64(held)
            held += code & uint64(15)
        i -= 4
        pending, held, at = _store(pending, held, at, out)
    for k in range(size & 3):
        code = uint64(codes[literals[uint64(i - k)]])
        pending |= (code >> uint64(4)) << uint64(held)
        held += code & uint64(15)
    pending |= uint64(1) << uint64(held)  # marks the stream's end
    pending, held, at = _store(pending, held + 1, at, out)
    return at + (1 if held > 0 else 0)


@_helper
def _raw_literals(literals: Array, first: int, size: int, out: Array, at: int) -> int:
    """A literals section of literals as they are (3.1.1.3.1)."""
    if size < 32:
        out[at] = _RAW_LITERALS | size << 3
        at += 1
    elif size < 4096:
        out[at], out[at + 1] = _RAW_LITERALS | 1 << 2 | (size & 0xF) << 4, size >> 4
        at += 2
    else:
        out[at], out[at + 1], out[at + 2] = _RAW_LITERALS | 3 << 2 | (size & 0xF) << 4, size >> 4 & 0xFF, size >> 12
        at += 3
    return _copy(literals, first, size, out, at)


@_helper
def _coded_literals(
    literals: Array, first: int, size: int, codes: Array, description: Array, described: int, out: Array, at: int
) -> int:
    """A literals section in Huffman codes; 0 where it would be no shorter than the literals.

    described: bytes of the code's description, 0 where a block before has it.
    """
    streams = 1 if size < _ONE_STREAM else 4
    header = 3 if size < 1024 else 4 if size < 1 << 14 else 5
    begin = at + header
    at = _copy(description, 0, described, out, begin)
    if streams == 1:
        at = _stream(literals, first, size, codes, out, at)
    else:
        part = (size + 3) // 4
        jumps = at
        at += 6
        for k in range(4):
            before = at
            at = _stream(literals, first + k * part, min(part, size - k * part), codes, out, at)
            if k < 3:
                out[jumps + 2 * k], out[jumps + 2 * k + 1] = (at - before) & 0xFF, (at - before) >> 8
    coded = at - begin
    if coded >= size:
        return 0
    kind = _CODED_LITERALS if described > 0 else _TREELESS_LITERALS
    if header == 3:
        word = kind | (0 if streams == 1 else 1) << 2 | size << 4 | coded << 14
    elif header == 4:
        word = kind | 2 << 2 | size << 4 | coded << 18
    else:
        word = kind | 3 << 2 | size << 4 | coded << 22
    for i in range(header):
        out[begin - header + i] = word >> 8 * i & 0xFF
    return at


@_helper
def _bits_of(
    sequences: Array,
    first: int,
    count: int,
    literal_code: Array,
    literal_base: Array,
    literal_extra: Array,
    match_code: Array,
    match_base: Array,
    match_extra: Array,
    tables: Array,
    logs: Array,
    out: Array,
    at: int,
) -> int:
    """The sequences' bits (3.1.1.3.2.2): read from the end, so the last sequence is written first, and of each what is
    read last.
    """
    pending, held = uint64(0), 0
    x0, x1, x2 = int64(0), int64(0), int64(0)
    for n in range(first + count - 1, first - 1, -1):
        literals, value, match = sequences[uint64(n), 0], sequences[uint64(n), 1], sequences[uint64(n), 2]
        s0, s2 = int64(literal_code[uint64(literals)]), int64(match_code[uint64(match)])
        s1 = int64(0)
        while value >> (s1 + 1):
            s1 += 1
        d0, d1, d2 = int64(tables[0, uint64(s0)]), int64(tables[1, uint64(s1)]), int64(tables[2, uint64(s2)])
        if n == first + count - 1:
            # Any state of the last symbols will do.
            b0, b1, b2 = (d0 + (1 << 15)) >> 16, (d1 + (1 << 15)) >> 16, (d2 + (1 << 15)) >> 16
            x0, x1, x2 = (b0 << 16) - d0, (b1 << 16) - d1, (b2 << 16) - d2
        else:
            b0, b1, b2 = (x0 + d0) >> 16, (x1 + d1) >> 16, (x2 + d2) >> 16
            pending |= uint64(x1 & ((1 << b1) - 1)) << uint64(held)
            held += b1
            pending |= uint64(x2 & ((1 << b2) - 1)) << uint64(held)
            held += b2
            pending |= uint64(x0 & ((1 << b0) - 1)) << uint64(held)
            held += b0
            pending, held, at = _store(pending, held, at, out)
        x0 = int64(tables[0, uint64(2 * _SYMBOLS + (x0 >> b0) + tables[0, uint64(_SYMBOLS + s0)])])
        x1 = int64(tables[1, uint64(2 * _SYMBOLS + (x1 >> b1) + tables[1, uint64(_SYMBOLS + s1)])])
        x2 = int64(tables[2, uint64(2 * _SYMBOLS + (x2 >> b2) + tables[2, uint64(_SYMBOLS + s2)])])
        pending |= uint64(literals - literal_base[uint64(s0)]) << uint64(held)
        held += literal_extra[uint64(s0)]
        pending |= uint64(match - match_base[uint64(s2)]) << uint64(held)
        held += match_extra[uint64(s2)]
        pending |= uint64(value - (1 << s1)) << uint64(held)
        held += s1
        pending, held, at = _store(pending, held, at, out)
    pending |= uint64(x2 & ((1 << logs[2]) - 1)) << uint64(held)
    held += logs[2]
    pending |= uint64(x1 & ((1 << logs[1]) - 1)) << uint64(held)
    held += logs[1]
    pending |= uint64(x0 & ((1 << logs[0]) - 1)) << uint64(held)
    held += logs[0]
    pending |= uint64(1) << uint64(held)  # marks the stream's end
    pending, held, at = _store(pending, held + 1, at, out)
    return at + (1 if held > 0 else 0)


@_helper
def _count(count: int, out: Array, at: int) -> int:
    """How many sequences (3.1.1.3.2.1)."""
    if count < 128:
        out[at] = count
        return at + 1
    if count < 0x7F00:
        out[at], out[at + 1] = (count >> 8) + 128, count & 0xFF
        return at + 2
    out[at], out[at + 1], out[at + 2] = 255, (count - 0x7F00) & 0xFF, (count - 0x7F00) >> 8
    return at + 3


_CODES = (_in(uint8), _in(int64), _in(int64))  # code, base, extra: of fse.Codes


@njit(
    int64(
        _in(int64, 2),
        int64,
        int64,
        _in(uint8),
        _in(int32, 2),
        *_CODES,
        *_CODES,
        _in(uint32),
        _in(uint8),
        int64,
        _in(int32, 2),
        _in(uint8, 2),
        _in(int64, 2),
        _in(int32, 2),
        _OUT,
        int64,
    ),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def write_blocks(
    blocks: Array,
    made: int,
    fill: int,
    literals: Array,
    sequences: Array,
    literal_code: Array,
    literal_base: Array,
    literal_extra: Array,
    match_code: Array,
    match_base: Array,
    match_extra: Array,
    codes: Array,
    description: Array,
    description_size: int,
    tables: Array,
    descriptions: Array,
    facts: Array,
    predefined: Array,
    out: Array,
    at: int,
) -> int:
    """Write a round's blocks, none of them the last; returns where they end.

    Args:
        blocks, made, literals, sequences: of `zstd_matches.find`.
        codes, description, description_size: of `zstd_tables.literal_code`.
        tables, descriptions, facts: of `zstd_tables.sequence_tables`.
        predefined: [3, TABLE], the tables that need no description.
        out, at: where they begin; there has to be as much room as `room` says.
    """
    literal, sequence = 0, 0
    have_code, have_tables = False, False
    logs = np.empty(3, np.int64)
    for b in range(made):
        at = _rle_blocks(blocks[b, 0], fill, out, at)
        size, literal_count, count = blocks[b, 1], blocks[b, 2], blocks[b, 3]
        if size == 0:
            continue
        begin = at
        coded = 0
        if description_size > 0:
            described = 0 if have_code else description_size
            coded = _coded_literals(literals, literal, literal_count, codes, description, described, out, begin + 3)
        at = coded
        if coded == 0:
            at = _raw_literals(literals, literal, literal_count, out, begin + 3)
        at = _count(count, out, at)
        if count > 0:
            modes = at
            at += 1
            out[modes] = 0
            for t in range(3):
                mode = facts[t, 0]
                logs[t] = facts[t, 1]
                if mode == _DESCRIBED and have_tables:
                    mode = _REPEATED
                else:
                    at = _copy(descriptions[t], 0, facts[t, 2], out, at)
                out[modes] |= mode << (6 - 2 * t)
            at = _bits_of(
                sequences, sequence, count, literal_code, literal_base, literal_extra,
                match_code, match_base, match_extra, tables, logs, out, at,
            )  # fmt: skip
        if at - begin - 3 < size:
            have_code |= coded > 0
            have_tables |= count > 0
            _block_header(_COMPRESSED, at - begin - 3, out, begin)
        elif count == 0:
            at = _block_header(_RAW, size, out, begin)
            at = _copy(literals, literal, literal_count, out, at)
        else:
            # The descriptions were too much for so small a block, which `find` has held to what this takes.
            at = _raw_literals(literals, literal, literal_count, out, begin + 3)
            at = _count(count, out, at)
            out[at] = _PREDEFINED
            logs[0], logs[1], logs[2] = 6, 5, 6
            at = _bits_of(
                sequences, sequence, count, literal_code, literal_base, literal_extra,
                match_code, match_base, match_extra, predefined, logs, out, at + 1,
            )  # fmt: skip
            _block_header(_COMPRESSED, at - begin - 3, out, begin)
        literal += literal_count
        sequence += count
    return at
