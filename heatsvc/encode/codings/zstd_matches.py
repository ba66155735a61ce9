"""The compiled loop that finds what a zstd frame says of runs: literals, and sequences that repeat what stood before.

A sequence is "so many literals, then so many bytes as they stood so far back" (RFC 8878, 3.1.1.3.2). Every gap of fill
is such a repetition: of a gap that stood before, which is free where it lies as far back as the last one did. The gap
that repeats best has the same bytes at its edges too, as the frame before has them where nothing moved: then the
sequence takes those along. Only gaps are looked up, never the bytes of a run, since it is gaps that need a sequence.

Compiled on import, for one signature that also takes read-only arrays. Positions and sizes are bytes of the stretch.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import int32, int64, njit, types, uint8, uint64

Array = npt.NDArray[Any]

BLOCK = 128 << 10
"""The most bytes of a block (RFC 8878, 3.1.1.2.4)."""
WINDOW = 256 << 10
"""The farthest that a sequence reaches back."""

# A round of work ends with the first block that brings it to one of these.
LITERALS = 256 << 10
SEQUENCES = 8 << 10
BLOCKS = 512

SHORTEST_GAP = 8  # bytes of fill that are worth a sequence; shorter ones are literals
_LONG_GAP = 2048  # worth to be remembered as a store of fill

# About what is won and lost, in bits.
_LITERAL_BITS = 6
_REPEAT_BITS = 2
_SECOND_SEQUENCE_BITS = 20
_OFFSET_BITS = 18
_GOOD = 36  # enough to look no further
_NO_GAIN = -(1 << 30)

# Where the edges of so many gaps were nowhere the same, most of the next are only repeated from where the last one was:
# the mantissas of float32, as a rule. The hash decides which are looked up nevertheless, so that where something is
# repeated both are.
_LUCK = 64
_WORTH = 3  # bytes of edges that say there is more to be had
_SELDOM = 7  # one hash in eight

# Room for all sequences and literals of a round: those before the last block, and a whole block of shortest gaps.
SEQUENCE_ROOM = SEQUENCES + 2 * (BLOCK // SHORTEST_GAP) + 2
LITERAL_ROOM = LITERALS + BLOCK

# Columns of a block.
GAP, SIZE, LITERAL_COUNT, SEQUENCE_COUNT = 0, 1, 2, 3

# What is known at the end of a round, for the next one.
POSITION, RUN, OFFSETS, SOURCES, STORE = 0, 1, 2, 5, 8
STATE = 11

_HASH_BITS = 12
_SPARE = 3  # bits of a hash that say whether it is one of the few
HASHES = 1 << _HASH_BITS
_PRIME = 0x9E3779B185EBCA87


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


def _out(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C")


_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)
_function = njit(nogil=True, cache=True, error_model="numpy")


@njit(
    types.void(_in(int64), _in(int64), int64, int64, _out(int64), _out(int64), _out(int64)),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def lay_out(
    starts: Array, lengths: Array, itemsize: int, size_in_pixels: int, begin: Array, end: Array, source: Array
) -> None:
    """R runs as bytes: the dense positions where each begins and ends, and where its values stand.

    The arrays have R + 2 places: an empty run at the stretch's start comes first, one at its end last.
    """
    begin[0], end[0], source[0] = 0, 0, 0
    at = 0
    for r in range(starts.size):
        first = starts[r] * itemsize
        size = lengths[r] * itemsize
        begin[uint64(r + 1)] = first
        end[uint64(r + 1)] = first + size
        source[uint64(r + 1)] = at
        at += size
    last = starts.size + 1
    begin[last], end[last], source[last] = size_in_pixels * itemsize, size_in_pixels * itemsize, at


@_helper
def _word(values: Array, at: int) -> int:
    """The eight bytes from `at` on; one load."""
    word = uint64(0)
    for i in range(8):
        word |= uint64(values[uint64(at + i)]) << uint64(8 * i)
    return word


@_helper
def _low_zeros(x: int) -> int:
    """How many of a word's lowest bytes are zero, without a branch: it is anybody's guess how many are."""
    n = 4 if x & uint64(0xFFFFFFFF) == 0 else 0
    x >>= uint64(8 * n)
    m = 2 if x & uint64(0xFFFF) == 0 else 0
    x >>= uint64(8 * m)
    return n + m + (1 if x & uint64(0xFF) == 0 else 0)


@_helper
def _high_zeros(x: int) -> int:
    """How many of a word's highest bytes are zero."""
    n = 4 if x >> uint64(32) == 0 else 0
    x <<= uint64(8 * n)
    m = 2 if x >> uint64(48) == 0 else 0
    x <<= uint64(8 * m)
    return n + m + (1 if x >> uint64(56) == 0 else 0)


@_helper
def _hash(word: int, gap: int) -> int:
    return ((word * uint64(_PRIME)) ^ uint64(gap)) * uint64(_PRIME) >> uint64(64 - _HASH_BITS - _SPARE)


@_helper
def _edges(foot: int, head: int, gap: int) -> tuple[int, int, bool]:
    """Hashes of a gap with three bytes on either side, and with one; and whether it is always looked up.

    foot, head: the words before and behind the gap.
    """
    far = foot >> uint64(40) | head << uint64(40)
    close = foot >> uint64(56) | head << uint64(56)
    far, close = _hash(far, gap), _hash(close, gap)
    return far >> uint64(_SPARE), close >> uint64(_SPARE), far & uint64(_SELDOM) == 0


@_function
def _same_from(
    values: Array, begin: Array, end: Array, source: Array, last: int, near: int, r: int, j: int, room: int
) -> tuple[int, int]:
    """How far the stretch from run r on says the same as from run j on, at most `room` bytes: runs and gaps.

    Returns:
        the bytes, and the run in or before which they end. They end within a gap only where at least `near` bytes of
        it are the same and enough are left for a sequence of their own.
    """
    same = 0
    while True:
        own, other = end[uint64(r)] - begin[uint64(r)], end[uint64(j)] - begin[uint64(j)]
        most = min(own, other, room - same)
        a, b = source[uint64(r)], source[uint64(j)]
        n = 0
        while n < most and values[uint64(a + n)] == values[uint64(b + n)]:
            n += 1
        same += n
        if n < own or own != other or r + 1 == last:
            return same, r
        gap = begin[uint64(r + 1)] - end[uint64(r)]
        other_gap = begin[uint64(j + 1)] - end[uint64(j)]
        if same + gap > room:
            return same, r
        if other_gap < gap:
            if other_gap < near or gap - other_gap < SHORTEST_GAP:
                return same, r
            return same + other_gap, r + 1
        same += gap
        r += 1
        j += 1
        if other_gap > gap:
            return same, r


@_function
def _dense(
    values: Array,
    fill: int,
    begin: Array,
    end: Array,
    source: Array,
    r: int,
    start: int,
    stop: int,
    literals: Array,
    taken: int,
) -> int:
    """All bytes from `start`, which is in or before run r, to `stop` as literals; returns how many."""
    at = start
    while at < stop:
        if at < begin[uint64(r)]:
            literals[uint64(taken + at - start)] = fill
            at += 1
        elif at < end[uint64(r)]:
            literals[uint64(taken + at - start)] = values[uint64(source[uint64(r)] + at - begin[uint64(r)])]
            at += 1
        else:
            r += 1
    return stop - start


_ROUND = (
    _in(uint8),  # values
    int64,  # fill
    int64,  # near
    _in(int64),  # begin, end, source: of lay_out
    _in(int64),
    _in(int64),
    _out(int64),  # state
    _out(int32, 2),  # hashes
    _out(uint8),  # literals
    _out(int32, 2),  # sequences
    _out(int64, 2),  # blocks
)


@njit(types.UniTuple(int64, 3)(*_ROUND), nogil=True, cache=True, error_model="numpy")
def find(
    values: Array,
    fill: int,
    near: int,
    begin: Array,
    end: Array,
    source: Array,
    state: Array,
    hashes: Array,
    literals: Array,
    sequences: Array,
    blocks: Array,
) -> tuple[int, int, int]:
    """A round: blocks of the stretch, as gaps, literals and sequences.

    Args:
        near: from so far back fill is repeated where it has just been written: not so near that a decoder, which copies
            16 bytes at a time, has to wait for its own copy.
        state: [STATE], all 0 in the first round: nothing is taken to be known of what stands before the stretch.
        hashes: [2, HASHES], the run behind the last gap of each hash; all 0 in the first round.
        literals: takes up to LITERAL_ROOM bytes, but no more than the stretch has.
        sequences: [S, 3], takes literals, offset value and match length of up to SEQUENCE_ROOM sequences, but no more
            than two a run.
        blocks: [BLOCKS, 4], takes of each block the bytes of fill before it that are not in it, its size when dense,
            and how many literals and sequences are its own. The last one may be nothing but a gap.

    Returns:
        how many blocks, literals and sequences; no blocks when the stretch is at its end.
    """
    last = begin.size - 1
    total = end[last]
    pos, r = state[POSITION], state[RUN]
    # The last three distances, and of each the first run behind what it reaches.
    d1, d2, d3 = state[OFFSETS], state[OFFSETS + 1], state[OFFSETS + 2]
    j1, j2, j3 = state[SOURCES], state[SOURCES + 1], state[SOURCES + 2]
    # A long gap, and the run behind it.
    store, store_end, store_run = state[STORE], state[STORE + 1], state[STORE + 2]
    made, taken, said = 0, 0, 0
    luck = _LUCK
    while pos < total and made < BLOCKS and taken < LITERALS and said < SEQUENCES:
        while end[uint64(r)] <= pos and r < last:
            r += 1
        before = max(begin[uint64(r)] - pos, 0)
        if before >= SHORTEST_GAP or r == last:
            store, store_end, store_run = pos, pos + before, r
            pos += before
        else:
            before = 0
        start, first, first_taken, first_said = pos, r, taken, said
        saved = d1, d2, d3, j1, j2, j3
        limit = min(start + BLOCK, total)
        own = 0  # literals since the last sequence
        if pos < begin[uint64(r)]:
            own = begin[uint64(r)] - pos
            for i in range(own):
                literals[uint64(taken + i)] = fill
            taken += own
            pos += own
        while r < last:
            # In run r, or at its end.
            size = min(end[uint64(r)], limit) - pos
            at = source[uint64(r)] + pos - begin[uint64(r)]
            if at + size + 8 <= values.size and taken + size + 8 <= literals.size:
                for i in range(0, size, 8):
                    word = _word(values, at + i)
                    for k in range(8):
                        literals[uint64(taken + i + k)] = word >> uint64(8 * k) & uint64(0xFF)
            else:
                for i in range(size):
                    literals[uint64(taken + i)] = values[uint64(at + i)]
            taken += size
            own += size
            pos += size
            if pos < end[uint64(r)] or r + 1 == last:
                break
            gap = begin[uint64(r + 1)] - pos
            if pos + gap > limit:
                break
            r += 1
            if gap < SHORTEST_GAP:
                for i in range(gap):
                    literals[uint64(taken + i)] = fill
                taken += gap
                own += gap
                pos += gap
                continue
            # Of all that this gap may be a repetition of, what wins most.
            gain, distance, behind, more, back, follow = _NO_GAIN, 0, 0, 0, 0, r
            a = source[uint64(r)]
            inside = a >= 8 and a + 8 <= values.size
            one, other = int64(0), int64(0)
            eager = False
            head, foot = uint64(0), uint64(0)
            if inside:
                foot, head = _word(values, a - 8), _word(values, a)
                far, close, eager = _edges(foot, head, gap)
                if luck > 0 or eager:
                    eager = True
                    one, other = int64(hashes[0, uint64(far)]), int64(hashes[1, uint64(close)])
                    hashes[0, uint64(far)], hashes[1, uint64(close)] = r, r
            luck -= 1
            for k in range(5):
                if k > 0 and gain > _NO_GAIN and (gain >= _GOOD or not eager):
                    break
                if k == 0:
                    d, j = d1 if own > 0 else 0, j1
                elif k == 1:
                    d, j = d2, j2
                elif k == 2:
                    d, j = d3, j3
                else:
                    j = one if k == 3 else other
                    if j == 0:
                        continue
                    d = pos - end[uint64(j - 1)]
                    if d in (d1, d2, d3) or d > WINDOW or begin[uint64(j)] - end[uint64(j - 1)] != gap:
                        continue
                if d == 0:
                    continue
                place = pos - d
                while begin[uint64(j)] <= place:
                    j += 1
                if k == 0:
                    j1 = j
                elif k == 1:
                    j2 = j
                elif k == 2:
                    j3 = j
                room = begin[uint64(j)] - place
                if end[uint64(j - 1)] > place or (room < gap and (room < near or gap < 2 * near)):
                    continue
                won = -_OFFSET_BITS if k > 2 else -_REPEAT_BITS if k > 0 else 0
                length, before_it, ends = gap, 0, r
                b = source[uint64(j)]
                if room < gap:
                    won -= _SECOND_SEQUENCE_BITS
                    length = near
                if inside and b >= 8 and b + 8 <= values.size:
                    if end[uint64(j - 1)] == place:
                        most = min(own, pos - begin[uint64(r - 1)], end[uint64(j - 1)] - begin[uint64(j - 1)])
                        before_it = min(_high_zeros(foot ^ _word(values, b - 8)), most)
                        if before_it == 7:
                            n = before_it
                            while n < most and values[uint64(a - n - 1)] == values[uint64(b - n - 1)]:
                                n += 1
                            before_it = n
                        won += _LITERAL_BITS * before_it
                    if room == gap:
                        rest = limit - pos - gap
                        size = end[uint64(r)] - begin[uint64(r)]
                        most = min(size, end[uint64(j)] - begin[uint64(j)], rest)
                        same = min(_low_zeros(head ^ _word(values, b)), most)
                        if same == size or same == 7:
                            same, ends = _same_from(values, begin, end, source, last, near, r, j, rest)
                        length += same
                        won += _LITERAL_BITS * same
                if won > gain:
                    gain, distance, behind, more, back, follow = won, d, j, length, before_it, ends
            if back + more >= gap + _WORTH:
                luck = _LUCK
            if gain == _NO_GAIN:
                distance, behind, more = min(pos - store, WINDOW), store_run, gap
                room = store_end - pos + distance
                if store_end == store or room < gap:
                    more = near
                    if store_end == store or room < near or gap < 2 * near:
                        # One byte of fill, which then is repeated.
                        literals[uint64(taken)] = fill
                        taken += 1
                        own += 1
                        pos += 1
                        distance, behind = 1, r
                        more = gap - 1 if gap - 1 < 2 * near else near
                        gap -= 1
            if gap >= _LONG_GAP or gap >= store_end - store or pos - store_end > WINDOW // 4:
                store, store_end, store_run = pos, pos + gap, r
            taken -= back
            own -= back
            # The number that stands for a distance, 1 to 3 for the last three (RFC 8878, 3.1.1.5).
            shift = 1 if own > 0 else 0
            if own > 0 and distance == d1:
                value = 1
            elif distance == d2:
                value = 1 + shift
                d1, d2, j1, j2 = d2, d1, behind, j1
            else:
                value = 2 + shift if distance == d3 else distance + 3
                d1, d2, d3, j1, j2, j3 = distance, d1, d2, behind, j1, j2
            sequences[uint64(said), 0] = own
            sequences[uint64(said), 1] = value
            sequences[uint64(said), 2] = back + more
            said += 1
            pos += more
            r = follow
            own = 0
            if pos < begin[uint64(r)]:
                # The rest of a gap: what stands just before is fill.
                rest = begin[uint64(r)] - pos
                if d2 == near:
                    value = 1
                    d1, d2, j1, j2 = d2, d1, r, j1
                else:
                    value = 2 if d3 == near else near + 3
                    d1, d2, d3, j1, j2, j3 = near, d1, d2, r, j1, j2
                sequences[uint64(said), 0] = 0
                sequences[uint64(said), 1] = value
                sequences[uint64(said), 2] = rest
                said += 1
                pos += rest
        # A compressed block has to be smaller than what it stands for (3.1.1.2.3): with the predefined tables and
        # literals as they are it has 9 bytes a sequence at the most, and 16 more.
        if said > first_said and taken - first_taken + 9 * (said - first_said) + 16 >= pos - start:
            d1, d2, d3, j1, j2, j3 = saved
            said = first_said
            taken = first_taken + _dense(values, fill, begin, end, source, first, start, pos, literals, first_taken)
        blocks[made, GAP], blocks[made, SIZE] = before, pos - start
        blocks[made, LITERAL_COUNT], blocks[made, SEQUENCE_COUNT] = taken - first_taken, said - first_said
        made += 1
    state[POSITION], state[RUN] = pos, r
    state[OFFSETS], state[OFFSETS + 1], state[OFFSETS + 2] = d1, d2, d3
    state[SOURCES], state[SOURCES + 1], state[SOURCES + 2] = j1, j2, j3
    state[STORE], state[STORE + 1], state[STORE + 2] = store, store_end, store_run
    return made, taken, said
