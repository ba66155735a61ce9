"""Codings: what is written straight from runs, read by the reference decoders."""

from __future__ import annotations

import gzip
import zlib

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.encode.codings import CODINGS, ZSTD
from heatsvc.render.array import render_array
from heatsvc.render.cpu import PixelRuns, plan, render_patches, render_runs
from heatsvc.volume import HeatmapVolume
from tests.examples import examples
from tests.golden import golden_volume, load_golden
from tests.render.test_patches import keypoints
from tests.render.volumes import volumes

DECODERS = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "deflate": zlib.decompress,
    "gzip": gzip.decompress,
    "identity": bytes,
}
HEADER = b"\x93NUMPY and more"


def coded(name: str, volume: HeatmapVolume, dtype: str, tile_pixels: int) -> bytes:
    """Header and volume as one body, the volume in as many chunks as the plan makes."""
    coding, cut = CODINGS[name], plan(volume, tile_pixels)
    itemsize = np.dtype(dtype).itemsize
    size = len(HEADER) + int(np.prod(volume.shape)) * itemsize
    chunks = [coding.encode_bytes(HEADER), *(coding.encode_runs(render_runs(volume, p, dtype)) for p in cut.tiles)]
    body = coding.head(size) + b"".join(chunk.data for chunk in chunks) + coding.tail(chunks)
    assert sum(chunk.size for chunk in chunks) == size
    return body


@examples(300)
@given(
    volumes(st.sampled_from(["none", "max", "argmax"])),
    st.sampled_from(["float32", "float16", "uint8"]),
    st.sampled_from(sorted(CODINGS)),
    st.sampled_from([1, 50, 1 << 20]),
)
def test_a_body_in_pieces_decodes_to_the_dense_array(
    volume: HeatmapVolume, dtype: str, name: str, tile_pixels: int
) -> None:
    if volume.reduce == "argmax":
        dtype = "int16"
    body = coded(name, volume, dtype, tile_pixels)
    assert DECODERS[name](body) == HEADER + render_array(volume, dtype).tobytes()


@pytest.mark.parametrize("name", sorted(CODINGS))
@pytest.mark.parametrize("case", ["clip48_val", "limb_coco", "clip16_test_double", "kp_sigma2.0"])
def test_golden_volumes_decode_to_the_dense_array(name: str, case: str) -> None:
    volume = golden_volume(load_golden(case))
    assert DECODERS[name](coded(name, volume, "float32", 5000)) == HEADER + render_array(volume).tobytes()


@examples(400)
@given(keypoints(), st.sampled_from([1, 60, 1 << 20]))
def test_patches_decode_to_the_dense_array(volume: HeatmapVolume, tile_pixels: int) -> None:
    zstd = CODINGS["zstd"]
    assert zstd.encode_patches is not None
    array = render_array(volume)
    area = volume.height * volume.width
    for cut in plan(volume, tile_pixels).tiles:
        patches = render_patches(volume, cut)
        if patches is not None:
            chunk = zstd.encode_patches(patches)
            body = zstd.head(patches.nbytes) + chunk.data + zstd.tail([chunk])
            assert DECODERS["zstd"](body) == array.reshape(-1)[cut.first * area : cut.last * area].tobytes()
            assert chunk.size == patches.nbytes
            assert len(chunk.data) <= zstd.bound(patches.nbytes, cut.pixels, cut.runs, 4)


def test_patches_far_apart_decode_to_the_dense_array() -> None:
    """Gaps of more than a block, and no gap after the last patch but the rest of the maps."""
    points = np.full((1, 200, 3, 2), np.nan, np.float32)
    points[0, ::37, 1] = [[20.25, 30.5], [63, 0], [0, 63], [-1, 40], [64, 64], [31, 31]]
    volume = HeatmapVolume(points, np.ones((1, 200, 3), np.float32), 64, 64)
    (tile,) = plan(volume).tiles
    patches, zstd = render_patches(volume, tile), CODINGS["zstd"]
    assert patches is not None
    assert zstd.encode_patches is not None
    coded = zstd.encode_patches(patches)
    body = zstd.head(patches.nbytes) + coded.data + zstd.tail([coded])
    assert DECODERS["zstd"](body) == render_array(volume).tobytes()


@pytest.mark.parametrize("width", [32_000, 32_768, 32_770, 32_780, 40_000, 600_000])
def test_rows_of_a_patch_more_than_a_block_apart(width: int) -> None:
    """Decoded as a stream: a decoder of whole bodies does not mind a block that is too large."""
    points = np.array([[[[width - 9.5, 6.25], [3, 3]]]], np.float32)
    volume = HeatmapVolume(points, np.ones((1, 1, 2), np.float32), 12, width)
    (tile,) = plan(volume).tiles
    patches, zstd = render_patches(volume, tile), CODINGS["zstd"]
    assert patches is not None
    assert zstd.encode_patches is not None
    coded = zstd.encode_patches(patches)
    body = zstd.head(patches.nbytes) + coded.data + zstd.tail([coded])
    with zstandard.ZstdDecompressor().stream_reader(body) as stream:
        assert stream.read() == render_array(volume).tobytes()


def test_only_fast_zstd_takes_patches() -> None:
    takes = {name for name, coding in CODINGS.items() if coding.encode_patches}
    assert takes == {"zstd"}
    assert ZSTD["fast"].encode_patches
    assert ZSTD["small"].encode_patches is None


@pytest.mark.parametrize("name", ["zstd", "deflate", "gzip"])
@pytest.mark.parametrize("fill", [0, 255])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 258, 259, 260, 261, 262, 128 << 10, (128 << 10) + 1, 3_000_000])
def test_a_gap_of_any_length(name: str, fill: int, size: int) -> None:
    empty = np.zeros(0, np.int64)
    runs = PixelRuns(empty, empty, np.zeros(0, np.uint8), size, fill)
    coding = CODINGS[name]
    chunk = coding.encode_runs(runs)
    assert DECODERS[name](coding.head(size) + chunk.data + coding.tail([chunk])) == bytes([fill]) * size
    assert len(chunk.data) <= coding.bound(size, 0, 0, 1)


@pytest.mark.parametrize("name", ["zstd", "deflate", "gzip"])
def test_a_run_longer_than_a_block(name: str) -> None:
    values = np.random.default_rng(0).integers(1, 255, 400_000, dtype=np.uint8)
    runs = PixelRuns(np.array([5]), np.array([values.size]), values, values.size + 9)
    coding = CODINGS[name]
    chunk = coding.encode_runs(runs)
    body = coding.head(runs.nbytes) + chunk.data + coding.tail([chunk])
    assert DECODERS[name](body) == bytes(5) + values.tobytes() + bytes(4)


@pytest.mark.parametrize("name", ["zstd", "deflate", "gzip"])
def test_long_bytes_and_whole_bodies(name: str) -> None:
    coding, data = CODINGS[name], b"keypoint" * 50_000
    chunk = coding.encode_bytes(data)
    assert DECODERS[name](coding.head(len(data)) + chunk.data + coding.tail([chunk])) == data
    compressor = coding.compressor()
    body = compressor.compress(data) + compressor.flush()
    assert DECODERS[name](body) == data
    assert len(body) < len(data) / 50


@st.composite
def long_runs(draw: st.DrawFn) -> PixelRuns:
    """PixelRuns about as far apart as a zstd block is long, so that blocks end in each of them and between them."""
    gaps = st.one_of(st.integers(1, 20), st.integers(120_000, 140_000), st.integers(0, 300_000))
    sizes = st.one_of(st.integers(1, 12), st.integers(1, 300), st.integers(130_000, 132_000))
    dtype = np.dtype(draw(st.sampled_from(["uint8", "float16", "float32"])))
    start, length, at = [], [], 0
    for gap, size in draw(st.lists(st.tuples(gaps, sizes), max_size=12)):
        start.append(at + (gap if start else gap - gap % 2))
        length.append(size)
        at = start[-1] + size
    values = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 256, sum(length) * dtype.itemsize, np.uint8)
    size = at + draw(gaps)
    return PixelRuns(np.array(start, np.int64), np.array(length, np.int64), values.view(dtype), size, draw(fills))


fills = st.sampled_from([0, 255])


@pytest.mark.parametrize("name", ["zstd", "deflate", "gzip"])
@pytest.mark.parametrize("gap", [1, 2, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("together", [3, 4, 5, 8, 40])
def test_thousands_of_runs_stay_under_the_bound(name: str, gap: int, together: int) -> None:
    """Groups of one-pixel runs a little apart, far from each other: what costs most beside its pixels."""
    start = (np.arange(2_000)[:, None] * 3_000 + np.arange(together) * (1 + gap)).reshape(-1)
    runs = PixelRuns(start, np.ones_like(start), np.full(start.size, 7, np.uint8), int(start[-1]) + 5_000)
    coding = CODINGS[name]
    chunk = coding.encode_runs(runs)
    assert len(chunk.data) <= coding.bound(runs.nbytes, runs.values.size, runs.start.size, 1)
    dense = CODINGS["identity"].encode_runs(runs).data
    assert DECODERS[name](coding.head(runs.nbytes) + chunk.data + coding.tail([chunk])) == bytes(dense)


def test_an_array_becomes_runs_that_are_worth_it() -> None:
    array = np.array([0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0], np.uint8)
    runs = PixelRuns.of_array(array)
    assert (runs.start.tolist(), runs.length.tolist()) == ([1, 13], [4, 1])
    assert runs.values.tolist() == [1, 0, 0, 2, 3]
    assert PixelRuns.of_array(np.zeros(5, np.float32)).start.tolist() == []
    assert PixelRuns.of_array(np.ones(5, np.float32)).length.tolist() == [5]


@examples(400)
@given(long_runs(), st.sampled_from(["zstd", "deflate", "gzip"]))
def test_runs_and_gaps_of_any_length(runs: PixelRuns, name: str) -> None:
    coding = CODINGS[name]
    identity = CODINGS["identity"].encode_runs(runs)
    chunk = coding.encode_runs(runs)
    assert DECODERS[name](coding.head(runs.nbytes) + chunk.data + coding.tail([chunk])) == bytes(identity.data)
    assert len(chunk.data) <= coding.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize)


def test_a_sparse_volume_is_a_few_bytes_a_block() -> None:
    starts = np.arange(100, 10_000_000, 128 << 10)
    runs = PixelRuns(starts, np.ones_like(starts), np.full(starts.size, 7, np.uint8), 10_000_000)
    assert len(CODINGS["zstd"].encode_runs(runs).data) < 25 * starts.size


def test_the_zstd_frame_asks_for_a_small_window() -> None:
    volume = golden_volume(load_golden("clip48_val"))
    parameters = zstandard.get_frame_parameters(coded("zstd", volume, "float32", 1 << 20))
    assert parameters.window_size == 256 << 10
    assert parameters.content_size == len(HEADER) + int(np.prod(volume.shape)) * 4


@examples(200)
@given(volumes(), st.sampled_from(["float32", "float16", "uint8"]), st.sampled_from(sorted(CODINGS)))
def test_no_body_is_longer_than_its_bound(volume: HeatmapVolume, dtype: str, name: str) -> None:
    cut = plan(volume)
    itemsize = np.dtype(dtype).itemsize
    for tile in cut.tiles:
        runs = render_runs(volume, tile, dtype)
        pixels = tile.pixels + tile.runs * (8 // itemsize)
        assert len(CODINGS[name].encode_runs(runs).data) <= CODINGS[name].bound(
            runs.nbytes, pixels, tile.runs, itemsize
        )
