"""Keypoints of one file as the pickle has them; compiled code gives the same as NumPy."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heatsvc import _native
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.keypoints import FaultyFileError, KeypointSelection, VideoKeypoints, read_keypoints
from heatsvc.kernels import KERNELS
from heatsvc.pose.findings import Interpretation
from heatsvc.pose.layouts import get_layout
from tests.pose.readers.samples import KETI, npy, npz

# Arbitrary numbers: their plausibility is not tested here.
HD = KeypointSelection("sign27", "float32", (1080, 1920), interpretation=Interpretation(plausibility="ignore"))
# DOMAIN.md: sign27 in COCO-WholeBody order.
SIGN27 = [0, *range(5, 11), 91, 95, 96, 99, 100, 103, 104, 107, 108, 111]
SIGN27 += [112, 116, 117, 120, 121, 124, 125, 128, 129, 132]


def keti(number: int) -> bytes:
    (path,) = KETI.glob(f"KETI_SL_{number:010d}.*")
    return path.read_bytes()


def normalize_header(data: bytes, selection: KeypointSelection, last: int | None = None) -> VideoKeypoints:
    """The rules of DOMAIN.md."""
    array = np.load(io.BytesIO(data))
    array = array[None] if array.ndim == 3 else array
    keypoint, score = array[..., :2].astype(np.float32), array[..., 2].astype(np.float32)
    holes = np.isnan(array).any(-1)
    keypoint[holes], score[holes] = 0, 0
    keypoint, score = keypoint[:, :, SIGN27], score[:, :, SIGN27]
    frames = keypoint.shape[1]
    if last is not None:
        keypoint, score = keypoint[:, -last:], score[:, -last:]
    dtype = selection.dtype
    layout = get_layout("sign27")
    holes = holes[:, :, SIGN27][:, -(last or frames) :]
    undetected = int(holes.sum())
    histogram = np.array([counted(score[..., point]) for point in range(27)])
    return VideoKeypoints(
        keypoint.astype(dtype), score.astype(dtype), (1080, 1920), layout, frames, undetected, histogram
    )


def counted(scores: np.ndarray) -> list[int]:
    """Twenty bins over [0, 1], the outer ones open."""
    bins = [0] * 20
    for score in scores.ravel():
        bins[int(min(max(score * np.float32(20), 0), 19))] += 1
    return bins


def assert_same(got: VideoKeypoints, wanted: VideoKeypoints) -> None:
    np.testing.assert_array_equal(got.keypoint, wanted.keypoint)
    np.testing.assert_array_equal(got.keypoint_score, wanted.keypoint_score)
    np.testing.assert_array_equal(got.histogram, wanted.histogram)
    assert got.keypoint.dtype == wanted.keypoint.dtype
    assert got.keypoint.flags.c_contiguous
    assert got.keypoint_score.flags.c_contiguous
    assert (got.img_shape, got.layout, got.frames_read, got.undetected) == (
        wanted.img_shape,
        wanted.layout,
        wanted.frames_read,
        wanted.undetected,
    )


@contextmanager
def using(choice: str) -> Iterator[None]:
    before = KERNELS.name
    KERNELS.use(choice)
    yield
    KERNELS.use(before)


@pytest.fixture(params=["native", "reference"], scope="module")
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    with using(request.param):
        yield


def test_compiled_halves_are_numpys():
    bits = np.arange(0, 0x477FE000, 1013, dtype=np.uint32)  # every 1013th float32 from 0 to 65504
    ties = np.arange(0x33000000 - 3, 0x477FE000, 1 << 12, dtype=np.uint32)  # and all that lie between two halves
    values = np.concatenate((bits, ties, ties + 1, ties - 1)).view(np.float32)
    values = np.concatenate((values, -values))
    halves = np.empty(values.size, np.float16)
    _native.to_float16(values, halves.view(np.uint16))
    np.testing.assert_array_equal(halves, values.astype(np.float16))


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("number", [1, 2, 14, 39])
@pytest.mark.parametrize("last", [None, 1, 5, 1000])
def test_keti_files(number, dtype, last):
    selection = replace(HD, dtype=dtype)
    assert_same(read_keypoints(keti(number), "f.npy", selection, last), normalize_header(keti(number), selection, last))


@pytest.mark.usefixtures("kernels")
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.just(133), st.just(3)),
        elements=st.floats(-65504, 65504, width=32) | st.just(np.nan),
        fill=st.floats(0, 100, width=32),
    ),
    st.sampled_from(["float16", "float32"]),
    st.none() | st.integers(1, 6),
)
def test_any_array(array, dtype, last):
    selection = replace(HD, dtype=dtype)
    assert_same(read_keypoints(npy(array), "f.npy", selection, last), normalize_header(npy(array), selection, last))


@pytest.mark.parametrize("number", [1, 6, 39])
def test_compiled_code_gives_the_same(number):
    got = []
    for choice in ("native", "reference"):
        with using(choice):
            got.append(read_keypoints(keti(number), "f.npy", HD))
    assert_same(*got)


@pytest.mark.parametrize(
    ("number", "kind", "detail"),
    [
        (7, "no_frames", "0, 133, 3"),
        (11, "no_keypoints", "None"),
        (17, "wrong_points", "134 points"),
        (20, "cut_short", "bytes, but"),
    ],
)
def test_every_fault_has_its_name(number, kind, detail):
    with pytest.raises(FaultyFileError) as caught:
        read_keypoints(keti(number), "f.npy", HD)
    assert caught.value.kind == kind
    assert detail in caught.value.detail


@pytest.mark.usefixtures("kernels")
def test_infinity_is_a_fault_at_any_point():
    for point in (0, 50, 132):
        array = np.ones((3, 133, 3), np.float32)
        array[1, point, 0] = np.inf
        with pytest.raises(FaultyFileError) as caught:
            read_keypoints(npy(array), "f.npy", HD)
        assert caught.value.kind == "not_finite"


def test_sum_beyond_float32_is_no_infinity():
    array = np.full((3, 133, 3), 3e38, np.float32)
    assert read_keypoints(npy(array), "f.npy", HD).keypoint.max() == np.float32(3e38)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("x", "fits"), [(65504, True), (-65504, True), (65520, False), (-1e6, False)])
def test_what_float16_cannot_hold_is_a_fault(x, fits):
    array = np.full((1, 133, 3), x, np.float32)
    array[..., 2] = 1
    selection = replace(HD, dtype="float16")
    if fits:
        assert read_keypoints(npy(array), "f.npy", selection).keypoint.max() == x
        return
    with pytest.raises(FaultyFileError) as caught:
        read_keypoints(npy(array), "f.npy", selection)
    assert caught.value.kind == "out_of_range"
    assert "float32" in caught.value.detail


def test_no_img_shape_anywhere_ends_the_build():
    with pytest.raises(AnnotationError, match=r"img_shape.*\[1080, 1920\]"):
        read_keypoints(keti(1), "f.npy", replace(HD, img_shape=None))


def test_a_file_that_carries_its_img_shape_needs_none():
    data = npz(keypoint=np.ones((2, 133, 2)), img_shape=np.array([480, 640]))
    assert read_keypoints(data, "f.npz", replace(HD, img_shape=None)).img_shape == (480, 640)


def test_other_points_than_most_files_have():
    data = npy(np.ones((2, 5, 3), np.float32))
    assert read_keypoints(data, "f.npy", replace(HD, select=None, points=5)).keypoint.shape == (1, 2, 5, 2)
    assert read_keypoints(data, "f.npy", replace(HD, select=(4, 0), points=5)).keypoint.shape == (1, 2, 2, 2)
    with pytest.raises(FaultyFileError) as caught:
        read_keypoints(data, "f.npy", replace(HD, select=None, points=133))
    assert caught.value.kind == "wrong_points"


def test_score_histogram():
    array = np.ones((4, 133, 3), np.float32)
    array[:, 0, 2] = [-1, 0.04, 0.52, 7]
    histogram = read_keypoints(npy(array), "f.npy", HD).histogram
    assert histogram.shape == (27, 20)
    assert histogram[0].tolist() == [2] + [0] * 9 + [1] + [0] * 8 + [1]
    assert histogram[1].tolist() == [0] * 19 + [4]


def test_digest_of_equal_points_is_equal():
    one = read_keypoints(keti(1), "a.npy", HD)
    assert one.digest() == read_keypoints(keti(1), "b.npy", HD).digest()
    assert one.digest() != read_keypoints(keti(2), "b.npy", HD).digest()
    assert one.digest() != read_keypoints(keti(1), "b.npy", HD, 5).digest()
