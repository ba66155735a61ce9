"""The tables of zstd's small blocks, against slow, obvious reference implementations written after RFC 8878."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc import _native

LONGEST = 11  # bits of a literal's code (RFC 8878, 4.2.1)

frequencies = st.lists(
    st.one_of(st.just(0), st.integers(1, 5), st.integers(0, 100_000)), min_size=2, max_size=53
).filter(lambda counts: sum(count > 0 for count in counts) >= 2)


@given(frequencies, st.integers(6, 9))
def test_shares_are_all_states_and_every_symbol_has_one(counts: list[int], log: int) -> None:
    shares = _native.fse_normalise(counts, log)
    assert sum(shares) == 1 << log
    for count, share in zip(counts, shares, strict=True):
        assert (share > 0) == (count > 0)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=16))
def test_shares_that_come_out_even_are_exact(parts: list[int]) -> None:
    rest = 512 - sum(parts)
    counts = [count * 1000 for count in (*parts, rest)]
    assert _native.fse_normalise(counts, 9) == [*parts, rest]


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
    shares = _native.fse_normalise(counts, log)
    description = _native.fse_describe(shares, log)
    assert len(description) <= 64
    while shares[-1] == 0:
        shares.pop()
    assert read_description(description) == (log, shares, len(description))


def decoding_table(shares: list[int], log: int) -> list[tuple[int, int, int]]:
    """Of each state its symbol, the bits to read, and the number to add to them for the next state (RFC 8878, 4.1.1).

    Rare symbols have the last states, the others are dealt out in strides through the rest. A symbol's n states share
    all next ones: counted on from n, the k-th reads log - floor(log2 k) bits.
    """
    states = 1 << log
    symbols = [-1] * states
    last = states - 1
    for symbol, share in enumerate(shares):
        if share == -1:
            symbols[last] = symbol
            last -= 1
    position, stride = 0, (states >> 1) + (states >> 3) + 3
    for symbol, share in enumerate(shares):
        for _ in range(share):
            symbols[position] = symbol
            position = (position + stride) % states
            while position > last:
                position = (position + stride) % states
    number = [abs(share) for share in shares]
    table = []
    for symbol in symbols:
        bits = log - (number[symbol].bit_length() - 1)
        table.append((symbol, bits, (number[symbol] << bits) - states))
        number[symbol] += 1
    return table


tables = st.builds(lambda counts, log: (_native.fse_normalise(counts, log), log), frequencies, st.integers(6, 9))
# Those of literal lengths and of match lengths that need no description (3.1.1.3.2.2).
predefined = st.sampled_from(
    [
        ([4, 3, *[2] * 11, 1, 1, 1, *[2] * 9, 3, 2, *[1] * 5, *[-1] * 4], 6),
        ([1, 4, 3, *[2] * 6, *[1] * 37, *[-1] * 7], 6),
    ]
)


@given(st.one_of(tables, predefined))
def test_a_step_leads_to_a_state_that_decodes_it(table: tuple[list[int], int]) -> None:
    shares, log = table
    decoding = decoding_table(shares, log)
    delta, first, states = _native.fse_table(shares, log)
    for symbol, share in enumerate(shares):
        if share == 0:
            continue
        for state in range(1 << log, 2 << log):
            bits = (state + delta[symbol]) >> 16
            following = states[(state >> bits) + first[symbol] & 0xFFFFFFFF] - (1 << log)
            low = state & ((1 << bits) - 1)
            assert decoding[following] == (symbol, bits, state - low - (1 << log))


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
    lengths = _native.huffman_code_lengths(counts)
    assert [length > 0 for length in lengths] == [count > 0 for count in counts]
    assert max(lengths) <= LONGEST
    assert sum(1 << (LONGEST - length) for length in lengths if length) == 1 << LONGEST
    cost, unlimited = huffman_cost(counts)
    coded = sum(count * length for count, length in zip(counts, lengths, strict=True))
    assert coded == cost if unlimited <= LONGEST else coded >= cost


def test_a_code_too_long_costs_little() -> None:
    """Fibonacci's numbers make the longest codes there are."""
    counts = [1, 1]
    for _ in range(22):
        counts.append(counts[-1] + counts[-2])
    lengths = _native.huffman_code_lengths(counts)
    assert max(lengths) == LONGEST
    assert sum(count * length for count, length in zip(counts, lengths, strict=True)) < 1.02 * huffman_cost(counts)[0]


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
    codes, description = _native.huffman_code(np.frombuffer(data, np.uint8), 1)
    assert bool(description) == described
    if described:
        used = {codes[byte] for byte in set(data)}
        assert len(used) == len(set(data))
        assert max(code & 15 for code in used) <= LONGEST
        assert len(description) <= 128
