"""Batches rendered and encoded on a device, by torch and by interpreted Triton, read by the reference decoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS, ZSTD, Coding, EncodedChunk
from heatsvc.encode.cuda import DeviceCoding, can_encode, encode_batch
from heatsvc.encode.cuda.batch import encode_rendered
from heatsvc.encode.cuda.encoders import TritonEncoder
from heatsvc.encode.cuda.rendered import render_together
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume
from heatsvc.errors import LimitError
from heatsvc.render.array import render_array
from heatsvc.render.cuda import Method, render_batch
from heatsvc.render.cuda.packed_batch import can_pack
from heatsvc.render.cuda.renderers import render_with_torch
from heatsvc.volume import HeatmapVolume, Potion
from tests.encode.cuda.decoding import decoded
from tests.examples import examples
from tests.golden import GOLDEN, Golden, golden_volume, load_golden, tolerance
from tests.render.cuda.test_batch import dot, first_frames
from tests.render.volumes import volumes

MAPS = [name for name in GOLDEN if name != "potion"]
METHODS: list[Method] = ["torch", "triton"]
CODED: list[DeviceCoding] = ["zstd", "deflate"]
DTYPES = ["float32", "float16", "uint8"]
# The others in `make test-all`.
FIRST_DTYPE = ["float32", *(pytest.param(each, marks=pytest.mark.slow) for each in DTYPES if each != "float32")]

few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
several = examples(100)
batches = st.lists(st.tuples(volumes().filter(can_pack), st.sampled_from(DTYPES)), min_size=1, max_size=4)


def planned(volume: HeatmapVolume, dtype: str = "float32") -> PlannedVolume:
    return PlannedVolume.plan("clip", volume, dtype, CODINGS["zstd"])


def code(batch_volumes: Sequence[PlannedVolume], coding: DeviceCoding, method: Method = "torch") -> list[EncodedChunk]:
    return encode_batch(batch_volumes, coding, "cpu", bounds=DEFAULT_BOUNDS, method=method)


def cpu_chunks(one: PlannedVolume, coding: Coding) -> list[EncodedChunk]:
    """As the CPU renders and encodes it."""
    writer = FORMATS["application/x-npy"].writer([one], coding, DEFAULT_BOUNDS)
    return [writer.encode(one, tile)[0] for tile in one.tiles]


def read(chunk: EncodedChunk, of: PlannedVolume, coding: str) -> np.ndarray:
    return np.frombuffer(decoded([chunk], coding), of.dtype).reshape(of.shape)


def agree(found: np.ndarray, volume: HeatmapVolume, dtype: str, case: Golden) -> None:
    """Within the tolerance of the case, and one step of the type."""
    steps = {"float32": 0.0, "float16": 2.0**-11, "uint8": 1.0}
    expected = render_array(volume, dtype)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()
    assert difference <= tolerance(case) + steps[dtype], case.name


@pytest.mark.parametrize("dtype", FIRST_DTYPE)
@pytest.mark.parametrize("coding", CODED)
def test_golden_files_are_one_batch_by_torch(coding: DeviceCoding, dtype: str) -> None:
    cases = [load_golden(name) for name in MAPS]
    batch_volumes = [planned(golden_volume(case), dtype) for case in cases]
    for case, one, chunk in zip(cases, batch_volumes, code(batch_volumes, coding), strict=True):
        found = read(chunk, one, coding)
        agree(found, one.volume, dtype, case)
        if dtype == "float32":
            np.testing.assert_allclose(found, case.imgs, rtol=0, atol=tolerance(case))


@pytest.mark.parametrize(
    ("coding", "dtype", "more"),
    [
        ("zstd", "float32", 1.1),
        ("zstd", "float16", 1.2),
        ("zstd", "uint8", 1.3),
        ("deflate", "float32", 1.02),
        ("deflate", "float16", 1.02),
        ("deflate", "uint8", 1.02),
    ],
)
def test_responses_are_about_as_small_as_those_of_the_cpu(coding: DeviceCoding, dtype: str, more: float) -> None:
    """Written fast, where that is requested: it looks for several runs in a row, and writes close ones in one block."""
    batch_volumes = [planned(golden_volume(load_golden(name)), dtype) for name in MAPS]
    fast = ZSTD["fast"] if coding == "zstd" else CODINGS[coding]
    alone = [chunk for one in batch_volumes for chunk in cpu_chunks(one, fast)]
    total, on_the_cpu = (sum(len(chunk.data) for chunk in chunks) for chunks in (code(batch_volumes, coding), alone))
    assert total < more * on_the_cpu


@pytest.mark.parametrize("dtype", FIRST_DTYPE)
@pytest.mark.parametrize("coding", CODED)
def test_the_first_frame_of_golden_files_is_coded_by_triton(coding: DeviceCoding, dtype: str) -> None:
    """And rendered by torch: the interpreter takes a second for a map of limbs."""
    cases = [load_golden(name) for name in MAPS if "133" not in name]
    batch_volumes = [planned(first_frames(golden_volume(case), 1), dtype) for case in cases]
    rendered = render_together(batch_volumes, render_with_torch, torch.device("cpu"), DEFAULT_BOUNDS)
    chunks = encode_rendered(batch_volumes, rendered, coding, TritonEncoder(), DEFAULT_BOUNDS)
    for case, one, chunk in zip(cases, batch_volumes, chunks, strict=True):
        agree(read(chunk, one, coding), one.volume, dtype, case)


@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("name", ["kp_double", "limb_short_double"])
def test_mirrored_copies_of_golden_files_are_coded_by_triton(name: str, coding: DeviceCoding) -> None:
    case = load_golden(name)
    one = planned(replace(first_frames(golden_volume(case), 1), double=True))
    [chunk] = code([one], coding, "triton")
    agree(read(chunk, one, coding), one.volume, "float32", case)


def assert_each_is_what_is_rendered(
    batch: Sequence[tuple[HeatmapVolume, str]], coding: DeviceCoding, method: Method
) -> None:
    """Bit for bit, in its place; and the same bytes alone as in the batch."""
    batch_volumes = [planned(volume, dtype) for volume, dtype in batch]
    chunks = code(batch_volumes, coding, method)
    dense = b""
    for one, chunk in zip(batch_volumes, chunks, strict=True):
        [rendered] = render_batch([one.volume], one.dtype, method=method)
        assert decoded([chunk], coding) == rendered.numpy().tobytes()
        assert code([one], coding, method)[0] == chunk
        dense += rendered.numpy().tobytes()
    assert decoded(chunks, coding) == dense


@several
@given(batches, st.sampled_from(CODED))
def test_any_ragged_batch_by_torch_is_its_clips(batch: list[tuple[HeatmapVolume, str]], coding: DeviceCoding) -> None:
    assert_each_is_what_is_rendered(batch, coding, "torch")


@few
@given(batches, st.sampled_from(CODED))
def test_any_ragged_batch_by_triton_is_its_clips(batch: list[tuple[HeatmapVolume, str]], coding: DeviceCoding) -> None:
    assert_each_is_what_is_rendered(batch, coding, "triton")


@pytest.mark.parametrize("coding", CODED)
def test_pieces_of_the_device_and_of_the_cpu_make_one_body(coding: DeviceCoding) -> None:
    header = b"\x93NUMPY and more"
    batch_volumes = [
        planned(golden_volume(load_golden(name)), "float16") for name in ("kp_multi_person", "kp_sigma2.0")
    ]
    form = CODINGS[coding]
    first, second = code(batch_volumes, coding)
    dense = [render_batch([one.volume], "float16")[0].numpy().tobytes() for one in batch_volumes]
    body = [form.encode_bytes(header), first, form.encode_bytes(header), second]
    assert decoded(body, coding) == header + dense[0] + header + dense[1]


@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("method", METHODS)
def test_no_drawings_and_empty_ones(method: Method, coding: DeviceCoding) -> None:
    assert code([], coding, method) == []
    none = replace(dot(), keypoint=np.zeros((1, 0, 1, 2), np.float32), keypoint_score=np.zeros((1, 0, 1), np.float32))
    nowhere = dot(score=0.0)
    chunks = code([planned(volume) for volume in (none, nowhere, none, dot())], coding, method)
    assert [decoded([chunk], coding) for chunk in chunks[:3]] == [b"", bytes(9 * 9 * 4), b""]
    assert any(decoded(chunks[3:], coding))
    assert decoded(code([planned(none)], coding, method), coding) == b""


def test_what_the_device_can_code() -> None:
    assert all(can_encode(planned(dot(), dtype), coding) for dtype in DTYPES for coding in CODED)
    assert can_encode(planned(replace(dot(), reduce="max")), "zstd")
    assert not can_encode(planned(dot()), "gzip")
    assert not can_encode(planned(dot()), "identity")
    assert not can_encode(planned(replace(dot(), reduce="argmax")), "zstd")
    assert not can_encode(planned(replace(dot(), potion=Potion(3))), "zstd")


def test_what_stays_with_the_cpu_is_refused() -> None:
    with pytest.raises(ValueError, match=r"volumes\[1\] cannot be encoded .*only on the CPU"):
        code([planned(dot()), planned(replace(dot(), reduce="argmax"))], "zstd")


def test_sizes_are_checked_before_anything_is_allocated() -> None:
    wide = planned(replace(dot(), height=4096, width=4096))
    with pytest.raises(LimitError, match="max_volume_bytes"):
        code([wide] * 65, "zstd")
    # Each type within it, both together not.
    small = replace(DEFAULT_BOUNDS, max_volume_bytes=500)
    with pytest.raises(LimitError, match="bytes of heatmaps"):
        encode_batch([planned(dot()), planned(dot(), "float16")], "zstd", "cpu", bounds=small, method="torch")
    # Maps one pixel wide take more to describe than to render.
    thin = planned(replace(dot(side=1), height=2_000), "uint8")
    with pytest.raises(LimitError, match="to describe the heatmaps' rows"):
        encode_batch([thin], "zstd", "cpu", bounds=replace(small, max_volume_bytes=10_000), method="torch")
    with pytest.raises(LimitError, match="to describe the heatmaps' runs"):
        encode_batch([planned(dot())], "zstd", "cpu", bounds=small, method="torch")


def test_memory_that_is_not_there_is_the_callers_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    with monkeypatch.context() as patched:
        patched.setattr(torch, "searchsorted", full)
        with pytest.raises(torch.OutOfMemoryError):
            code([planned(dot())], "zstd")
    assert any(decoded(code([planned(dot())], "zstd"), "zstd"))
