"""zstd's small blocks: the reference decoders read them, whatever the runs are, and they beat level 1's size."""

from __future__ import annotations

import heapq
import io
import math

import numpy as np
import numpy.typing as npt
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from heatsvc.encode.codings import CODINGS
from heatsvc.encode.codings.zstd import Zstd
from heatsvc.render.array import render_array
from heatsvc.render.cpu import DType, PixelRuns, plan, render_runs
from heatsvc.volume import HeatmapVolume
from tests.examples import examples
from tests.golden import golden_volume, load_golden

SMALL = Zstd(small=True)
FAST = Zstd(small=False)
WAYS = {"small": SMALL, "fast": FAST}


def dense(runs: PixelRuns) -> bytes:
    return bytes(CODINGS["identity"].encode_runs(runs).data)


def body(chunks: list[PixelRuns], coding: Zstd = SMALL) -> bytes:
    coded = [coding.encode_runs(runs) for runs in chunks]
    for runs, chunk in zip(chunks, coded, strict=True):
        assert len(chunk.data) <= coding.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize)
    head = coding.head(sum(runs.nbytes for runs in chunks))
    return head + b"".join(chunk.data for chunk in coded) + coding.tail(coded)


def decoded_in_one(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data)


def decoded_as_a_stream(data: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_size=1000) as reader:
        return reader.read()


def runs_of(gaps: npt.ArrayLike, lengths: npt.ArrayLike, values: npt.NDArray[np.generic], fill: int = 0) -> PixelRuns:
    """Gaps and runs in turn; the last gap ends the tile."""
    gap, length = np.asarray(gaps, np.int64), np.asarray(lengths, np.int64)
    start = np.cumsum(gap[:-1]) + np.cumsum(length) - length
    return PixelRuns(start, length, values, int(gap.sum() + length.sum()), fill)


CONTENTS = {
    "incompressible": lambda rng, size: rng.integers(0, 256, size),
    "three bytes": lambda rng, size: rng.integers(0, 3, size),
    "one byte": lambda rng, size: np.full(size, 7),
    "mostly small": lambda rng, size: np.minimum(rng.geometric(0.3, size), 255),
    "far apart in frequency": lambda rng, size: np.where(rng.random(size) < 0.99, 5, rng.integers(0, 256, size)),
    "repeated": lambda rng, size: np.tile(rng.integers(0, 256, 37), size // 37 + 1)[:size],
    "fill": lambda rng, size: np.zeros(size),
}


@st.composite
def pieces_of_runs(draw: st.DrawFn) -> list[PixelRuns]:
    """Up to three tiles of one type: gaps and runs of one kind, or of all lengths."""
    dtype = np.dtype(draw(st.sampled_from(["uint8", "float16", "int16", "float32"])))
    fill = draw(st.sampled_from([0, 255]))
    chunks = []
    for _ in range(draw(st.integers(1, 3))):
        rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
        count = draw(st.sampled_from([0, 1, 2, 7, 60, 2000]))
        low, high = draw(st.sampled_from([(0, 3), (1, 12), (8, 9), (8, 40), (59, 60), (50, 70), (1, 3000)]))
        gaps = rng.integers(low, high, count + 1)
        low, high = draw(st.sampled_from([(1, 2), (1, 4), (5, 6), (12, 14), (1, 60)]))
        lengths = rng.integers(low, high, count)
        for where in draw(st.lists(st.integers(0, count), max_size=2)):
            gaps[where] = draw(st.integers(0, 300_000))
        if count and draw(st.booleans()):
            lengths[0] = draw(st.integers(1, 300_000))
        content = CONTENTS[draw(st.sampled_from(sorted(CONTENTS)))]
        values = content(rng, int(lengths.sum()) * dtype.itemsize).astype(np.uint8).view(dtype)
        chunks.append(runs_of(gaps, lengths, values, fill))
    return chunks


@examples(400)
@given(pieces_of_runs())
def test_pieces_one_after_the_other_decode_to_the_dense_bytes(chunks: list[PixelRuns]) -> None:
    coded, whole = body(chunks), b"".join(dense(runs) for runs in chunks)
    assert decoded_in_one(coded) == whole
    assert decoded_as_a_stream(coded) == whole


@pytest.mark.parametrize("content", sorted(CONTENTS))
@pytest.mark.parametrize("itemsize", [1, 2, 4])
def test_more_than_a_round(content: str, itemsize: int) -> None:
    """Half a megabyte of literals and 40,000 sequences: several tables one after the other."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 16, 40_000)
    values = CONTENTS[content](rng, int(lengths.sum()) * itemsize).astype(np.uint8).view(f"u{itemsize}")
    runs = runs_of(rng.integers(20, 90, lengths.size + 1), lengths, values)
    assert decoded_in_one(body([runs])) == dense(runs)


def test_more_blocks_than_a_round_has() -> None:
    runs = runs_of(np.full(1201, 128 << 10), np.full(1200, 3), np.arange(3600, dtype=np.uint8))
    coded = body([runs])
    assert decoded_in_one(coded) == dense(runs)
    assert len(coded) < 20 * 1200


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_gap_of_two_gigabytes(way: str) -> None:
    runs = runs_of([5, 1 << 31, 3], [2, 1], np.array([1, 2, 3], np.uint8))
    coded = body([runs], WAYS[way])
    assert len(coded) < 5 * (1 << 31) / (128 << 10)
    seen, size = [], 0
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(coded)) as reader:
        while chunk := reader.read(1 << 22):
            if chunk.strip(b"\0"):
                seen.append(size + len(chunk) - len(chunk.lstrip(b"\0")))
            size += len(chunk)
    assert size == runs.size
    assert seen == [5, 7 + (1 << 31)]


def coded_volume(volume: HeatmapVolume, dtype: DType, coding: Zstd, tile_pixels: int = 4 << 20) -> bytes:
    return body([render_runs(volume, tile, dtype) for tile in plan(volume, tile_pixels).tiles], coding)


# The clips whose points are a signer's, of several layouts, sizes, orders and sigmas. Points at exact fifths of a pixel
# (kp_fifths) and a limb shorter than a pixel beside its mirror image (limb_short_double) repeat themselves where only a
# search of every byte would see it.
REAL = [
    *("clip16_test_double", "clip48_val", "flip", "kp_double", "kp_multi_person", "kp_no_score", "kp_scaling"),
    *("kp_sigma0.35", "kp_sigma0.6", "kp_sigma1.0", "kp_sigma2.0", "limb_coco"),
    *("pipeline_nan", "pipeline_no_pad", "pipeline_sl27", "pipeline_sl27_limb", "pipeline_wholebody133"),
]


@pytest.mark.parametrize("case", REAL)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_smaller_than_level_1(case: str, dtype: DType) -> None:
    volume = golden_volume(load_golden(case))
    whole = render_array(volume, dtype).tobytes()
    coded = coded_volume(volume, dtype, SMALL)
    assert decoded_in_one(coded) == whole
    assert len(coded) < len(zstandard.ZstdCompressor(level=1).compress(whole))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_small_pieces_decode_too(way: str, dtype: DType) -> None:
    volume = golden_volume(load_golden("limb_coco"))
    assert decoded_as_a_stream(coded_volume(volume, dtype, WAYS[way], 700)) == render_array(volume, dtype).tobytes()


@pytest.mark.parametrize(("dtype", "small"), [("uint8", True), ("float16", True), ("int16", True), ("float32", False)])
def test_what_is_small_by_default(dtype: str, small: bool) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(1, 9, 20_000).astype(np.uint8).view(dtype)
    runs = runs_of(np.full(values.size // 5 + 1, 60), np.full(values.size // 5, 5), values[: values.size // 5 * 5])
    usual = bytes(Zstd().encode_runs(runs).data)
    assert usual == bytes((SMALL if small else FAST).encode_runs(runs).data)
    assert len(SMALL.encode_runs(runs).data) < len(FAST.encode_runs(runs).data)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_a_signer_who_stands_still_costs_a_frame(dtype: DType) -> None:
    volume = golden_volume(load_golden("kp_sigma0.6"))
    still = HeatmapVolume(
        np.ascontiguousarray(np.repeat(volume.keypoint[:, :1], 40, axis=1)),
        np.ascontiguousarray(np.repeat(volume.keypoint_score[:, :1], 40, axis=1)),
        height=16,
        width=16,
    )
    one = HeatmapVolume(volume.keypoint[:, :1].copy(), volume.keypoint_score[:, :1].copy(), height=16, width=16)
    # Its blocks, and what a gap that is found late costs.
    assert len(coded_volume(still, dtype, SMALL)) < 2 * len(coded_volume(one, dtype, SMALL)) + 200


def test_the_largest_offset_is_within_the_window() -> None:
    """A pattern that is repeated just within, and just beyond, the reach of the window that the frame asks for."""
    pattern = np.random.default_rng(3).integers(1, 256, 200).astype(np.uint8)
    for apart in range((256 << 10) - 3, (256 << 10) + 4):
        gaps = np.array([70_000, *[50] * 9, apart - 10 * 20 - 9 * 50, *[50] * 9, 5])
        runs = runs_of(gaps, np.full(20, 20), np.tile(pattern, 2))
        coded = body([runs])
        assert zstandard.get_frame_parameters(coded).window_size == 256 << 10
        assert decoded_as_a_stream(coded) == dense(runs)


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


def coded_literals(counts: list[int]) -> int:
    """Bytes of a run that has so many of each byte, in any order."""
    values = np.random.default_rng(2).permutation(np.repeat(np.arange(len(counts), dtype=np.uint8), counts))
    runs = runs_of([1000, 1000], [values.size], values)
    coded = body([runs])
    assert decoded_in_one(coded) == dense(runs)
    return len(coded)


# The description of a code, and the headers.
LITERALS_EXTRA = 128 + 64


@settings(deadline=None)
@given(
    st.one_of(
        st.lists(st.integers(0, 300), min_size=2, max_size=256),
        st.lists(st.integers(0, 22).map(lambda power: int(1.6**power)), min_size=2, max_size=20),
    ).filter(lambda counts: sum(count > 0 for count in counts) >= 2)
)
def test_literals_take_what_the_best_code_takes(counts: list[int]) -> None:
    cost, longest = huffman_cost(counts)
    limited = 1 if longest <= 11 else 1.02
    assert coded_literals(counts) <= cost / 8 * limited + LITERALS_EXTRA


def test_a_code_too_long_costs_little() -> None:
    """Fibonacci's numbers make the longest codes there are; a code of zstd has at most 11 bits (RFC 8878, 4.2.1)."""
    counts = [1, 1]
    for _ in range(20):
        counts.append(counts[-1] + counts[-2])
    cost, longest = huffman_cost(counts)
    assert longest == 21
    assert cost / 8 < coded_literals(counts) < 1.02 * cost / 8 + LITERALS_EXTRA


@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.97, 0.01, 0.01, 0.01], [0.5, 0.25, 0.125, 0.125], [0.125] * 8])
def test_sequences_take_about_their_entropy(shares: list[float]) -> None:
    """Gaps of a few lengths: tables of the tile's own have the frequencies that its lengths have."""
    count = 20_000
    lengths = 20 * (1 + np.random.default_rng(4).choice(len(shares), count, p=shares))
    values = np.random.default_rng(5).integers(0, 256, 8 * count).astype(np.uint8)
    runs = runs_of([*lengths, 20], np.full(count, 8), values)
    coded = body([runs])
    assert decoded_in_one(coded) == dense(runs)
    bits = -sum(share * math.log2(share) for share in shares)
    assert len(coded) < values.size + count * (5 * bits + 2) / 8 + 1000
