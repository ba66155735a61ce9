"""The encoders in C++: the reference decoders read what they write, and wrong arguments are refused."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from heatsvc import _native
from heatsvc.encode.codings.deflate import block_bound, huffman_table
from heatsvc.encode.codings.zstd import SMALL_ROOM, Zstd
from heatsvc.render.cpu import PixelRuns, SeparablePatches
from tests.examples import examples

BLOCK = 128 << 10
ZSTD = Zstd()

CONTENTS = {
    "incompressible": lambda rng, size: rng.integers(0, 256, size),
    "three bytes": lambda rng, size: rng.integers(0, 3, size),
    "mostly small": lambda rng, size: np.minimum(rng.geometric(0.3, size), 255),
    "far apart in frequency": lambda rng, size: np.where(rng.random(size) < 0.99, 5, rng.integers(0, 256, size)),
    "repeated": lambda rng, size: np.resize(rng.integers(0, 256, 371), size),
    "fill": lambda rng, size: np.zeros(size),
}


@st.composite
def any_runs(draw: st.DrawFn) -> PixelRuns:
    """Gaps and runs of one kind or of all lengths, in a layout that may repeat itself, and some as long as a block."""
    itemsize, fill = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from([0, 255, 7]))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    count = draw(st.sampled_from([0, 1, 2, 7, 60, 2000]))
    low, high = draw(
        st.sampled_from([(0, 3), (1, 12), (8, 40), (59, 60), (1, 3000), (2030 // itemsize, 2060 // itemsize)])
    )
    gaps = rng.integers(low, high, count + 1)
    low, high = draw(st.sampled_from([(1, 2), (1, 4), (5, 6), (12, 14), (1, 60), (1, 300)]))
    lengths = rng.integers(low, high, count)
    if count > 4 and draw(st.booleans()):
        period = draw(st.integers(1, count // 2))
        gaps[:count], lengths = np.resize(gaps[:period], count), np.resize(lengths[:period], count)
    block = BLOCK // itemsize
    long = st.one_of(st.integers(0, 200_000), st.sampled_from([block - 1, block, block + 1]))
    for where in draw(st.lists(st.integers(0, count), max_size=2)):
        gaps[where] = draw(long)
    if count and draw(st.booleans()):
        lengths[0] = max(draw(long), 1)
    content = CONTENTS[draw(st.sampled_from(sorted(CONTENTS)))]
    values = content(rng, int(lengths.sum()) * itemsize).astype(np.uint8).view(f"u{itemsize}")
    start = np.cumsum(gaps[:-1]) + np.cumsum(lengths) - lengths
    return PixelRuns(start, lengths, values, int(gaps.sum() + lengths.sum()), fill)


@st.composite
def any_patches(draw: st.DrawFn) -> SeparablePatches:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    width = draw(st.sampled_from([10, 12, 64, 32_770, 40_000]))
    bounds, end = [], -2
    for gap in draw(st.lists(st.one_of(st.integers(2, 200), st.integers(0, 100_000)), max_size=40)):
        columns, rows = rng.integers(1, 9, 2).tolist()
        bounds.append((end + 2 + gap, columns, rows))
        end = bounds[-1][0] + (rows - 1) * width + columns
    array = np.array(bounds, np.int64).reshape(-1, 3)
    values = rng.random((len(bounds), 16), np.float32)
    pixels, rows = int((array[:, 1] * array[:, 2]).sum()), int(array[:, 2].sum())
    return SeparablePatches(array, values, width, pixels, rows, max(end, width) + draw(st.integers(0, 100_000)))


def arguments(runs: PixelRuns) -> tuple[Any, ...]:
    return runs.values.view(np.uint8), runs.start, runs.length, runs.itemsize, runs.size, runs.fill


def dense(runs: PixelRuns) -> bytes:
    out = np.full(runs.nbytes, runs.fill, np.uint8)
    for start, length, end in zip(runs.start, runs.length, np.cumsum(runs.length), strict=True):
        first = int(start) * runs.itemsize
        out[first : first + length * runs.itemsize] = runs.values[end - length : end].view(np.uint8)
    return out.tobytes()


def zstd_bound(runs: PixelRuns) -> int:
    return ZSTD.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize)


def zstd_room(runs: PixelRuns) -> npt.NDArray[np.uint8]:
    return np.empty(zstd_bound(runs) + SMALL_ROOM, np.uint8)


def deflate_room(runs: PixelRuns) -> npt.NDArray[np.uint8]:
    return np.empty(block_bound(runs.nbytes, runs.values.nbytes, runs.start.size), np.uint8)


def deflate_codes(fill: int) -> tuple[Any, ...]:
    table = huffman_table(fill)
    return table.header, table.header_bits, table.literals, table.matches


def patches_room(patches: SeparablePatches) -> npt.NDArray[np.uint8]:
    gaps = 4 * (patches.nbytes // BLOCK + len(patches.bounds) + 2)
    return np.empty(patches.pixels * 4 + 7 * patches.rows + gaps + 32, np.uint8)


def check_zstd(blocks: npt.NDArray[np.uint8], data: bytes) -> None:
    body = ZSTD.head(len(data)) + blocks.tobytes() + ZSTD.tail([])
    assert zstandard.ZstdDecompressor().decompress(body) == data
    # A stream's decoder minds a block that is too large.
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body), read_size=1000) as stream:
        assert stream.read() == data


@examples(200)
@given(any_runs())
def test_runs_decode_to_the_dense_bytes(runs: PixelRuns) -> None:
    data, room = dense(runs), zstd_room(runs)
    for function in (_native.zstd_blocks, _native.zstd_small):
        size = function(*arguments(runs), room)
        assert size <= zstd_bound(runs)
        check_zstd(room[:size], data)
    out = deflate_room(runs)
    size = _native.deflate_block(*arguments(runs), *deflate_codes(runs.fill), out)
    assert zlib.decompressobj(wbits=-15).decompress(out[:size].tobytes()) == data


@examples(200)
@given(any_runs())
def test_checksums_are_those_of_the_dense_bytes(runs: PixelRuns) -> None:
    data = dense(runs)
    assert _native.adler32_of_runs(*arguments(runs)) == zlib.adler32(data)
    assert _native.crc32_of_runs(*arguments(runs)) == zlib.crc32(data)


@given(st.binary(), st.binary())
def test_a_crc_is_moved_by_zeros(first: bytes, second: bytes) -> None:
    moved = _native.crc32_after_zeros(zlib.crc32(first), len(second))
    assert moved ^ zlib.crc32(second) == zlib.crc32(first + second)


def test_checksums_of_gigabytes() -> None:
    check = zlib.crc32(b"keypoint")
    for power in range(31):
        # 2**32 zero bytes are as one: the polynomial is primitive.
        moved = _native.crc32_after_zeros(check, 1 << power)
        assert _native.crc32_after_zeros(check, 1 << power + 32) == moved
    empty = np.zeros(0, np.int64)
    nothing = np.zeros(0, np.uint8), empty, empty, 1
    assert _native.adler32_of_runs(*nothing, 65521 << 40, 0) == 1
    assert _native.crc32_of_runs(*nothing, (1 << 32) + 5, 255) == _after(zlib.crc32(b"\xff" * 5), 1 << 32)


def _after(check: int, size: int) -> int:
    """The CRC-32 of a message with so many bytes of 255 after it."""
    step, chunk = 1 << 20, zlib.crc32(b"\xff" * (1 << 20))
    for _ in range(size // step):
        check = _native.crc32_after_zeros(check, step) ^ chunk
    return check


@examples(200)
@given(any_patches())
def test_patches_decode_to_the_dense_bytes(patches: SeparablePatches) -> None:
    data = np.zeros(patches.size, np.float32)
    for (begin, columns, rows), values in zip(patches.bounds.tolist(), patches.values, strict=True):
        for row in range(rows):
            at = begin + row * patches.width
            data[at : at + columns] = values[:columns] * values[8 + row]
    out = patches_room(patches)
    size = _native.zstd_patches(patches.bounds, patches.values, patches.width, patches.size, out)
    check_zstd(out[:size], data.tobytes())


BAD_RUNS = [
    ([-1], [4], 9),
    ([6], [4], 9),
    ([0], [3], 9),
    ([0, 2], [5, -1], 9),
    ([0, 1], [2, 2], 9),
    ([0, 2], [4], 9),
    ([2**62], [4], 9),
    ([0], [2**62 + 4], 9),
    ([0], [4], -1),
    ([0], [4], 2**62),
]


@pytest.mark.parametrize(("starts", "lengths", "size"), BAD_RUNS)
def test_runs_that_leave_their_stretch_are_refused(starts: list[int], lengths: list[int], size: int) -> None:
    runs = np.zeros(8, np.uint8), np.array(starts), np.array(lengths), 2, size, 0
    out = np.zeros(4096, np.uint8)
    for function, more in (
        (_native.adler32_of_runs, ()),
        (_native.crc32_of_runs, ()),
        (_native.zstd_blocks, (out,)),
        (_native.zstd_small, (out,)),
        (_native.deflate_block, (*deflate_codes(0), out)),
    ):
        with pytest.raises(ValueError, match=r"out of range|overlap, or leave|of another size"):
            function(*runs, *more)


@pytest.mark.parametrize("itemsize", [0, -1, 9])
def test_pixels_of_no_bytes_are_refused(itemsize: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        _native.zstd_small(np.zeros(8, np.uint8), np.array([0]), np.array([4]), itemsize, 9, 0, np.zeros(9, np.uint8))


def test_too_little_room_is_refused() -> None:
    empty = np.zeros(0, np.int64)
    runs = PixelRuns(np.array([3]), np.array([4]), np.arange(4, dtype=np.uint8), 300_000)
    for function, more, room in (
        (_native.zstd_blocks, (), zstd_room(runs)),
        (_native.zstd_small, (), zstd_room(runs)),
        (_native.deflate_block, deflate_codes(0), deflate_room(runs)),
    ):
        assert function(*arguments(runs), *more, room) > 0
        for size in (0, 1, 100):
            with pytest.raises(ValueError, match="no room"):
                function(*arguments(runs), *more, room[:size])
    # As much as a gap of 2**59 bytes would take.
    nothing = np.zeros(0, np.uint8), empty, empty, 1, 2**59, 0
    with pytest.raises(ValueError, match="no room"):
        _native.zstd_blocks(*nothing, zstd_room(runs))


@examples(100)
@given(any_patches(), st.data())
def test_patches_need_their_room(patches: SeparablePatches, data: st.DataObject) -> None:
    room = patches_room(patches)
    short = room[: data.draw(st.integers(0, room.size - 1))]
    guard = room[short.size :].copy()
    given = patches.bounds, patches.values, patches.width, patches.size
    try:
        size = _native.zstd_patches(*given, short)
    except ValueError as error:
        assert "no room" in str(error)  # noqa: PT017
    else:
        assert size <= short.size
    assert (room[short.size :] == guard).all()


@pytest.mark.parametrize(
    ("bounds", "width", "size"),
    [
        ([[0, 9, 1]], 64, 640),
        ([[0, 1, 9]], 64, 640),
        ([[0, 0, 1]], 64, 640),
        ([[0, 1, 0]], 64, 640),
        ([[0, -1, 1]], 64, 640),
        ([[0, 5, 1]], 4, 640),
        ([[-1, 5, 5]], 64, 640),
        ([[576, 5, 2]], 64, 640),
        ([[0, 5, 5], [260, 5, 1]], 64, 640),
        ([[2**62, 5, 5]], 64, 640),
        ([[0, 5, 5]], -1, 640),
        ([[0, 5, 5]], 700, 640),
        ([[0, 5, 5]], 64, 2**62),
    ],
)
def test_patches_that_leave_their_stretch_are_refused(bounds: list[list[int]], width: int, size: int) -> None:
    values = np.ones((len(bounds), 16), np.float32)
    with pytest.raises(ValueError, match=r"do not fit together|overlap, or leave"):
        _native.zstd_patches(np.array(bounds), values, width, size, np.zeros(4096, np.uint8))


def test_patches_without_their_values_are_refused() -> None:
    bounds, out = np.array([[0, 5, 5]]), np.zeros(4096, np.uint8)
    for values in (np.ones((0, 16), np.float32), np.ones((2, 16), np.float32), np.ones((1, 15), np.float32)):
        with pytest.raises(ValueError, match="do not fit together"):
            _native.zstd_patches(bounds, values, 64, 640, out)


@pytest.mark.parametrize(
    ("which", "wrong"),
    [
        (1, 10_000),
        (1, -1),
        (2, np.full(256, 8, np.uint32)),  # a byte or the end of the block is missing
        (2, np.zeros(257, np.uint32)),  # no bits
        (2, np.full(257, 16, np.uint32)),  # too many
        (2, np.full(257, 2 << 5 | 1, np.uint32)),  # fewer than the code has
        (3, np.full(258, 8, np.uint32)),
        (3, np.zeros(259, np.uint32)),
        (3, np.full(259, 22, np.uint32)),
    ],
)
def test_codes_of_another_kind_are_refused(which: int, wrong: Any) -> None:
    codes = list(deflate_codes(0))
    codes[which] = wrong
    runs = np.arange(4, dtype=np.uint8), np.array([3]), np.array([4]), 1, 3000, 0
    with pytest.raises(ValueError, match="sizes or codes are invalid"):
        _native.deflate_block(*runs, *codes, np.zeros(4096, np.uint8))


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        _native.crc32_after_zeros(0, -1)


def test_a_fill_is_one_byte() -> None:
    for fill in (-1, 256):
        with pytest.raises(TypeError):
            _native.zstd_small(np.zeros(4, np.uint8), np.array([0]), np.array([4]), 1, 9, fill, np.zeros(9, np.uint8))


def test_an_output_that_shares_memory_with_an_input_is_refused() -> None:
    memory = np.zeros(1 << 16, np.uint8)
    starts = memory[: 8 * 100].view(np.int64)
    starts[:] = np.arange(100) * 9
    values, lengths = np.full(100, 255, np.uint8), np.ones(100, np.int64)
    for function in (_native.zstd_blocks, _native.zstd_small):
        with pytest.raises(ValueError, match="shares memory"):
            function(values, starts, lengths, 1, 900, 0, memory)
    with pytest.raises(ValueError, match="shares memory"):
        _native.scatter(values, starts, lengths, 1, memory)
