"""The compact way to write a stretch as zstd blocks: every gap a repetition, in codes made for what there is to write.

A stretch is gone through in rounds of a few hundred kilobytes of literals: what `zstd_matches` finds is counted by
`zstd_tables` and written by `zstd_blocks`. Nothing is taken to be known of what stands before the stretch.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.encode.codings.fse import (
    ACCURACY_LOG,
    LITERAL_LENGTHS,
    MATCH_LENGTHS,
    OFFSET_ACCURACY_LOG,
    OFFSETS,
    literal_codes,
    match_codes,
)
from heatsvc.render.pixels import PixelRuns

# A decoder copies 16 or 32 bytes at a time, and waits for its own copy where that has just been made.
_NEAR_PIXELS = 64


@cache
def matches() -> Any:
    """The compiled loop that finds what to write; the first call compiles it, or loads it from numba's cache."""
    from heatsvc.encode.codings import zstd_matches

    return zstd_matches


@cache
def tables() -> Any:
    """The compiled loops that make the codes; as `matches`."""
    from heatsvc.encode.codings import zstd_tables

    return zstd_tables


@cache
def blocks() -> Any:
    """The compiled loop that writes; as `matches`."""
    from heatsvc.encode.codings import zstd_blocks

    return zstd_blocks


def compact_blocks(runs: PixelRuns, expected: int) -> npt.NDArray[np.uint8]:
    """A stretch as blocks, none of them the last.

    Args:
        runs: the stretch.
        expected: how many bytes they will be at the most.
    """
    find, make, write = matches(), tables(), blocks()
    begin, end, source = np.empty((3, runs.start.size + 2), np.int64)
    find.lay_out(runs.start, runs.length, runs.itemsize, runs.size, begin, end, source)
    state = np.zeros(find.STATE, np.int64)
    hashes = np.zeros((2, find.HASHES), np.int32)
    literals = np.empty(min(find.LITERAL_ROOM, runs.nbytes), np.uint8)
    sequences = np.empty((min(find.SEQUENCE_ROOM, 2 * runs.start.size), 3), np.int32)
    found = np.empty((min(find.BLOCKS, runs.start.size + runs.nbytes // find.BLOCK + 2), 4), np.int64)
    literal, match = literal_codes(), match_codes()
    shares, predefined = _predefined()
    codes = np.empty(256, np.uint32)
    description = np.empty(make.DESCRIPTION, np.uint8)
    own = np.empty((3, make.TABLE), np.int32)
    descriptions = np.empty((3, make.DESCRIPTION), np.uint8)
    facts = np.zeros((3, 3), np.int64)
    out, at = np.empty(expected, np.uint8), 0
    values, near = runs.values.view(np.uint8), _NEAR_PIXELS * runs.itemsize
    while True:
        made, taken, said = find.find(
            values, runs.fill, near, begin, end, source, state, hashes, literals, sequences, found
        )
        if made == 0:
            return out[:at]
        described = make.literal_code(literals, taken, made, codes, description)
        if said:
            make.sequence_tables(
                sequences, said, literal.code, match.code, shares, predefined, own, descriptions, facts
            )
        room = write.room(found[:made])
        if at + room > out.size:
            out = np.concatenate([out[:at], np.empty(max(room, out.size - at), np.uint8)])
        at = write.write_blocks(
            found, made, runs.fill, literals, sequences,
            literal.code, literal.base, literal.extra, match.code, match.base, match.extra,
            codes, description, described, own, descriptions, facts, predefined, out, at,
        )  # fmt: skip


@cache
def _predefined() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Shares and tables of literal lengths, offsets and match lengths, that need no description."""
    make = tables()
    shares = np.zeros((3, make.SYMBOLS), np.int64)
    made = np.zeros((3, make.TABLE), np.int32)
    logs = (ACCURACY_LOG, OFFSET_ACCURACY_LOG, ACCURACY_LOG)
    for t, (own, log) in enumerate(zip((LITERAL_LENGTHS, OFFSETS, MATCH_LENGTHS), logs, strict=True)):
        shares[t, : len(own)] = own
        make.spread(shares[t], len(own), log, made[t])
    return shares, made
