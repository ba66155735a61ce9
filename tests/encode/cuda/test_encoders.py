"""Coding whatever bytes are rendered: gaps, runs and rows of any length, by plain torch and by interpreted Triton."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS, EncodedChunk
from heatsvc.encode.cuda import DeviceCoding
from heatsvc.encode.cuda.batch import Encoder, encode_rendered
from heatsvc.encode.cuda.encoders import TorchEncoder, TritonEncoder
from heatsvc.encode.cuda.rendered import Group, RenderedBatch
from heatsvc.encode.job import PlannedVolume
from heatsvc.volume import HeatmapVolume
from tests.encode.cuda.decoding import decoded
from tests.examples import examples

BOTH: list[Encoder] = [TorchEncoder(), TritonEncoder()]
CODED: list[DeviceCoding] = ["zstd", "deflate"]
DTYPES = ["float32", "float16", "uint8"]
BLOCK = 128 << 10

Array = npt.NDArray[Any]


def code(arrays: Sequence[Array], coding: DeviceCoding, steps: Encoder, rows: int = 1 << 40) -> list[EncodedChunk]:
    """Arrays [maps, H, W] encoded as if they had been rendered; those of one type are adjacent."""
    volumes, groups, first_bytes, buffers, at = [], list[Group](), [], [], 0
    for number, array in enumerate(arrays):
        maps, height, width = array.shape
        points = np.zeros((1, maps, 1, 2), np.float32)
        volume = HeatmapVolume(points, np.ones((1, maps, 1), np.float32), height, width)
        volumes.append(PlannedVolume.plan("clip", volume, array.dtype.name, CODINGS["zstd"]))
        if groups and groups[-1].itemsize == array.itemsize:
            groups[-1] = Group(groups[-1].first, number + 1, array.itemsize)
        else:
            groups.append(Group(number, number + 1, array.itemsize))
        first_bytes.append(at)
        # What lies between two volumes is anything.
        buffer = np.full(-(-array.nbytes // 64) * 64, 0xEE, np.uint8)
        buffer[: array.nbytes] = array.reshape(-1).view(np.uint8)
        buffers.append(buffer)
        at += buffer.size
    pixels = torch.from_numpy(np.concatenate([*buffers, np.full(64, 0xEE, np.uint8)]))
    shapes = tuple(planned.shape for planned in volumes)
    rendered = RenderedBatch(pixels, tuple(first_bytes), shapes, tuple(groups), rows, 0)
    return encode_rendered(volumes, rendered, coding, steps, DEFAULT_BOUNDS)


def assert_decodes(arrays: Sequence[Array], coding: DeviceCoding, steps: Encoder) -> list[EncodedChunk]:
    chunks = code(arrays, coding, steps)
    for array, chunk in zip(arrays, chunks, strict=True):
        assert chunk.size == array.nbytes
        assert decoded([chunk], coding) == array.tobytes()
        assert chunk.checksum == (zlib.adler32(array.tobytes()) if coding == "deflate" else 0)
    assert decoded(chunks, coding) == b"".join(array.tobytes() for array in arrays)
    return chunks


@st.composite
def sparse(draw: st.DrawFn) -> Array:
    """A volume of a few runs of any bytes, in rows that end inside, at and just beyond a part of 32 pixels."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    width = draw(st.sampled_from([1, 2, 7, 31, 32, 33, 48, 64, 65, 97, 150]))
    shape = (draw(st.integers(0, 3)), draw(st.integers(1, 70)), width)
    array = np.zeros(int(np.prod(shape)), dtype)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if array.size:
        starts = draw(st.lists(st.integers(0, array.size - 1), max_size=8))
        for start, length in zip(starts, draw(st.lists(st.integers(1, 90), min_size=8, max_size=8)), strict=False):
            some = array[start : start + length]
            some[:] = rng.integers(0, 256, some.nbytes, np.uint8).view(dtype)
    return array.reshape(shape)


several = examples(100)
few = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@several
@given(st.lists(sparse(), min_size=1, max_size=5), st.sampled_from(CODED), st.sampled_from([1 << 20, 100, 33]))
def test_torch_codes_any_bytes(arrays: list[Array], coding: DeviceCoding, chunk: int) -> None:
    arrays.sort(key=lambda array: array.itemsize)
    assert assert_decodes(arrays, coding, TorchEncoder(chunk)) == code(arrays, coding, TorchEncoder())


@few
@given(st.lists(sparse(), min_size=1, max_size=3), st.sampled_from(CODED))
def test_triton_writes_the_bytes_that_torch_writes(arrays: list[Array], coding: DeviceCoding) -> None:
    arrays.sort(key=lambda array: array.itemsize)
    assert assert_decodes(arrays, coding, TritonEncoder()) == code(arrays, coding, TorchEncoder())


@pytest.mark.parametrize("steps", BOTH, ids=["torch", "triton"])
@pytest.mark.parametrize("coding", CODED)
def test_gaps_longer_than_a_block(coding: DeviceCoding, steps: Encoder) -> None:
    """Before the first run, between two, and after the last; and nothing but zeros."""
    arrays = []
    # The interpreter takes 10 ms for 4,096 pixels: of those gaps it gets the one of pixels that are four bytes.
    bytes_long = [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7] if isinstance(steps, TorchEncoder) else []
    for dtype, sizes in (("uint8", [1, 2, 3, 4, 258, 259, 260, 261, 262, *bytes_long]), ("float32", [BLOCK // 2 + 1])):
        for size in sizes:
            first, last = np.zeros((2, 1, 1, size + 1), dtype)
            first[..., 0] = last[..., -1] = 1
            arrays += [np.zeros((1, 1, size), dtype), first, last, np.concatenate((first, last))]
    assert_decodes(arrays, coding, steps)


@pytest.mark.parametrize("steps", BOTH, ids=["torch", "triton"])
@pytest.mark.parametrize("coding", CODED)
def test_a_long_gap_is_a_few_bytes_a_block(coding: DeviceCoding, steps: Encoder) -> None:
    array = np.zeros((1, 3, BLOCK // 4), np.float32)
    array[0, 1, 7] = 1
    [chunk] = assert_decodes([array], coding, steps)
    if coding == "zstd":
        # A block and a part of one before the pixel, a part of one and a block after it, and the pixel's own.
        assert len(chunk.data) == 4 * (2 + 2) + (3 + 4)
    else:
        # Three bits for 258 zeros.
        assert len(chunk.data) <= 3 * BLOCK // 258 * 3 // 8 + 100


@pytest.mark.parametrize("steps", BOTH, ids=["torch", "triton"])
@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("dtype", DTYPES)
def test_full_rows(dtype: str, coding: DeviceCoding, steps: Encoder) -> None:
    values = np.random.default_rng(0).integers(1, 256, 6_000, np.uint8).astype(dtype)
    assert_decodes([values.reshape(shape) for shape in ((1, 10, 600), (20, 300, 1), (2, 50, 60))], coding, steps)


@pytest.mark.parametrize("coding", CODED)
def test_rows_longer_than_a_block(coding: DeviceCoding) -> None:
    rng = np.random.default_rng(0)
    full = rng.integers(1, 256, (1, 2, BLOCK + 5_000), np.uint8)
    sparse = np.zeros((1, 3, 100_000), np.float32)
    sparse[0, 1, 70_000:70_100] = rng.random(100)
    assert_decodes([sparse], coding, TorchEncoder())
    assert_decodes([sparse], coding, TritonEncoder())
    assert_decodes([full], coding, TorchEncoder())


@pytest.mark.parametrize("steps", BOTH, ids=["torch", "triton"])
@pytest.mark.parametrize("coding", CODED)
def test_every_byte_and_bits_that_are_no_number(coding: DeviceCoding, steps: Encoder) -> None:
    """A pixel is zero where all its bits are: what is written is bytes, whatever they mean."""
    single = np.zeros((1, 4, 40), np.float32)
    single[0, 1, 3], single[0, 2, 30], single[0, 3, 39] = -0.0, np.nan, 1e-45
    assert_decodes([np.arange(256, dtype=np.uint8).reshape(1, 8, 32), single], coding, steps)


@pytest.mark.parametrize("coding", CODED)
def test_one_run_is_what_the_cpu_writes(coding: DeviceCoding) -> None:
    """Byte for byte, where neither has a choice."""
    from heatsvc.render.cpu import PixelRuns

    array = np.zeros((3, 20, 64), np.float32)
    array[1, 7, 20:29] = np.random.default_rng(0).random(9) + 0.1
    [chunk] = code([array], coding, TorchEncoder())
    assert chunk == CODINGS[coding].encode_runs(PixelRuns.of_array(array))


@pytest.mark.parametrize("steps", BOTH, ids=["torch", "triton"])
def test_more_runs_than_there_could_be_are_not_written(steps: Encoder) -> None:
    with pytest.raises(RuntimeError, match="3 runs were rendered, more than the upper bound of 1"):
        code([np.ones((1, 2, 20), np.uint8)], "zstd", steps, rows=0)
