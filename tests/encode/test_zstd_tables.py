"""The tables of zstd's compact blocks, against slow, obvious reference implementations written after RFC 8878."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.encode.codings import fse
from heatsvc.encode.codings.zstd_tables import (
    DESCRIPTION,
    LONGEST,
    SYMBOLS,
    TABLE,
    code_lengths,
    describe,
    literal_code,
    normalise,
    spread,
)

frequencies = st.lists(
    st.one_of(st.just(0), st.integers(1, 5), st.integers(0, 100_000)), min_size=2, max_size=53
).filter(lambda counts: sum(count > 0 for count in counts) >= 2)


def shares_of(counts: list[int], log: int) -> npt.NDArray[np.int64]:
    shares = np.full(SYMBOLS + 1, -9)
    normalise(np.array(counts + [0] * (SYMBOLS - len(counts)), np.int64), len(counts), log, shares)
    return shares[: len(counts)]


def padded(shares: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([shares, np.zeros(SYMBOLS + 1 - shares.size, np.int64)])


@given(frequencies, st.integers(6, 9))
def test_shares_are_all_states_and_every_symbol_has_one(counts: list[int], log: int) -> None:
    shares = shares_of(counts, log)
    assert shares.sum() == 1 << log
    for count, share in zip(counts, shares, strict=True):
        assert (share > 0) == (count > 0)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=16))
def test_shares_that_come_out_even_are_exact(parts: list[int]) -> None:
    rest = 512 - sum(parts)
    counts = [count * 1000 for count in (*parts, rest)]
    assert shares_of(counts, 9).tolist() == [*parts, rest]


def read_description(data: bytes) -> tuple[int, list[int], int]:
    """RFC 8878, 4.1.1, bit by bit: the accuracy log, the probabilities, and how many bytes they took."""
    bits = "".join(f"{byte:08b}"[::-1] for byte in data)
    place = 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place][::-1] or "0", 2)

    log = take(4) + 5
    remaining, probabilities = 1 << log, []
    while remaining > 0:
        width = (remaining + 1).bit_length()
        # Of the values of `width` bits those that cannot be are saved: lower ones are one bit shorter.
        threshold = (1 << width) - 1 - (remaining + 1)
        value = take(width - 1)
        if value >= threshold:
            value += take(1) << (width - 1)
            if value >= 1 << (width - 1):
                value -= threshold
        probabilities.append(value - 1)
        remaining -= abs(value - 1)
        if value == 1:
            while (zeros := take(2)) == 3:
                probabilities += [0] * 3
            probabilities += [0] * zeros
    return log, probabilities, -(-place // 8)


@given(frequencies, st.integers(6, 9))
def test_a_description_says_the_shares(counts: list[int], log: int) -> None:
    shares = shares_of(counts, log)
    out = np.zeros(DESCRIPTION, np.uint8)
    size = describe(padded(shares), len(counts), log, out)
    assert size <= 64
    last = int(np.flatnonzero(shares)[-1])
    assert read_description(out.tobytes()) == (log, shares[: last + 1].tolist(), size)


def test_the_predefined_tables_are_those_of_the_quick_way() -> None:
    """fse.py makes them as in the RFC, from the decoder's side: each state's symbol, bits and baseline."""
    for probabilities, codes in ((fse.LITERAL_LENGTHS, fse.literal_codes()), (fse.MATCH_LENGTHS, fse.match_codes())):
        table = np.zeros(TABLE, np.int32)
        spread(padded(np.array(probabilities)), len(probabilities), fse.ACCURACY_LOG, table)
        for symbol in range(len(probabilities)):
            for following in range(64):
                bits = (64 + following + int(table[symbol])) >> 16
                own = table[2 * SYMBOLS + ((64 + following) >> bits) + table[SYMBOLS + symbol]] - 64
                assert own == codes.state[symbol, following]
                assert bits == codes.bits[own]
                assert following & ((1 << bits) - 1) == following - codes.baseline[own]


def huffman_cost(counts: list[int]) -> tuple[int, int]:
    """Bits in all of the best code, and its longest: pairs of the two rarest, again and again."""
    heap = [(count, 0) for count in counts if count]
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        (count, depth), (other, other_depth) = heapq.heappop(heap), heapq.heappop(heap)
        cost += count + other
        heapq.heappush(heap, (count + other, max(depth, other_depth) + 1))
    return cost, heap[0][1]


bytes_counted = st.one_of(
    st.lists(st.integers(0, 1000), min_size=2, max_size=256),
    st.lists(st.integers(0, 40).map(lambda power: int(1.6**power)), min_size=2, max_size=256),
).filter(lambda counts: sum(count > 0 for count in counts) >= 2)


@given(bytes_counted)
def test_a_huffman_code_is_complete_and_the_best(counts: list[int]) -> None:
    counted = np.array(counts + [0] * (256 - len(counts)), np.int64)
    lengths = np.full(256, -9)
    longest = code_lengths(counted, lengths)
    assert ((lengths > 0) == (counted > 0)).all()
    assert longest == lengths.max() <= LONGEST
    assert sum(1 << (LONGEST - int(length)) for length in lengths if length) == 1 << LONGEST
    cost, unlimited = huffman_cost(counts)
    if unlimited <= LONGEST:
        assert (counted * lengths).sum() == cost
    else:
        assert (counted * lengths).sum() >= cost


def test_a_code_too_long_costs_little() -> None:
    """Fibonacci's numbers make the longest codes there are."""
    counts = np.zeros(256, np.int64)
    counts[:2] = 1
    for symbol in range(2, 24):
        counts[symbol] = counts[symbol - 1] + counts[symbol - 2]
    lengths = np.zeros(256, np.int64)
    assert code_lengths(counts, lengths) == LONGEST
    assert (counts * lengths).sum() < 1.02 * huffman_cost(counts.tolist())[0]


@pytest.mark.parametrize(
    ("data", "described"),
    [
        (b"", False),
        (b"a" * 100, False),  # one byte is no code
        (bytes(range(256)) * 40, False),  # nothing to be won
        (b"abcdefgh", False),  # the description costs more
        (b"a" * 900 + b"b" * 60 + b"c" * 40, True),
        (bytes(range(256)) * 4 + b"a" * 9000, True),
    ],
)
def test_a_code_is_described_only_where_it_wins(data: bytes, described: bool) -> None:
    codes, description = np.zeros(256, np.uint32), np.zeros(DESCRIPTION, np.uint8)
    size = literal_code(np.frombuffer(data, np.uint8), len(data), 1, codes, description)
    assert (size > 0) == described
    if described:
        used = {code & 15 for byte in set(data) if (code := int(codes[byte]))}
        assert len({int(codes[byte]) for byte in set(data)}) == len(set(data))
        assert max(used) <= LONGEST
        assert size <= 128
