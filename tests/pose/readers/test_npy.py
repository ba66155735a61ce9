"""`.npy`: arrays of any type and order; damaged ones are refused before memory is allocated."""

import struct

import numpy as np
import pytest

from heatsvc.errors import LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read_npy
from tests.pose.readers.samples import DATA, HD, KETI, npy

ARRAY = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)


def with_header(header: str, body: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes((version, 0)) + length + header.encode("latin-1") + body


def test_a_real_file_becomes_a_clip():
    data = (DATA / "poses" / "ase_FIRE_wholebody133.npy").read_bytes()
    clip = read_npy(data, filename="ase_FIRE_wholebody133.npy", options=HD)
    assert clip.keypoint.shape == (1, 95, 133, 2)
    assert clip.layout.name == "coco_wholebody"
    assert clip.frame_dir == "ase_FIRE_wholebody133"
    assert clip.img_shape == (1080, 1920)


def test_a_videos_extension_stays_in_the_name_and_folders_do_not():
    data = (KETI / "KETI_SL_0000000004.avi.npy").read_bytes()
    assert (
        read_npy(data, filename="../x\\y/KETI_SL_0000000004.avi.npy", options=HD).frame_dir == "KETI_SL_0000000004.avi"
    )


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8", "<i2", ">i8", "|u1"])
def test_numbers_of_any_type_and_byte_order(dtype):
    clip = read_npy(npy(ARRAY.astype(dtype)), options=HD)
    assert clip.keypoint[0].tolist() == ARRAY[..., :2].tolist()


def test_fortran_order_is_converted():
    data = npy(np.asfortranarray(ARRAY))
    assert b"'fortran_order': True" in data
    assert read_npy(data, options=HD).keypoint[0].tolist() == ARRAY[..., :2].tolist()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format(version):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 5, 3), }\n"
    assert read_npy(with_header(header, ARRAY.tobytes(), version), options=HD).keypoint.shape == (1, 2, 5, 2)


def test_headers_of_other_writers_are_read():
    header = "{'fortran_order':False,\"shape\":(2L,5L,3L),  'descr':'<f4'}"
    assert read_npy(with_header(header, ARRAY.tobytes()), options=HD).keypoint.shape == (1, 2, 5, 2)


def test_a_file_without_frames_says_that_there_are_no_keypoints():
    with pytest.raises(NoKeypointsError, match=r"keypoint is empty, \[0, 133, 3\]") as caught:
        read_npy((KETI / "KETI_SL_0000000007.avi.npy").read_bytes(), filename="7.npy", options=HD)
    assert caught.value.file == "7.npy"


def test_a_pickled_none_says_that_there_are_no_keypoints():
    with pytest.raises(NoKeypointsError, match="keypoint is a pickled None"):
        read_npy((KETI / "KETI_SL_0000000011.avi.npy").read_bytes(), options=HD)


def test_other_pickled_objects_are_never_read():
    with pytest.raises(PoseError, match="pickled Python objects, which are never read: save numbers") as caught:
        read_npy(npy(np.array({"keypoint": 1}, dtype=object), allow_pickle=True), options=HD)
    assert not isinstance(caught.value, NoKeypointsError)


def test_nan_frames_are_not_detected():
    clip = read_npy((KETI / "KETI_SL_0000000014.MTS.npy").read_bytes(), options=HD)
    lost = np.isnan(clip.keypoint).any(axis=-1)
    assert lost.any()
    assert (clip.keypoint_score[lost] == 0).all()


def test_134_keypoints_are_of_no_known_layout():
    clip = read_npy((KETI / "KETI_SL_0000000017.mp4.npy").read_bytes(), options=HD)
    assert (clip.points, clip.layout) == (134, None)


def test_a_file_that_is_cut_short_is_refused_with_both_sizes():
    with pytest.raises(
        PoseError, match=r"declares \[36, 133, 3\] of float32, 57,456 bytes, but 28,664 follow.*truncated"
    ):
        read_npy((KETI / "KETI_SL_0000000020.MOV.npy").read_bytes(), options=HD)


def test_bytes_after_the_array_are_refused():
    with pytest.raises(PoseError, match="120 bytes, but 123 follow: remove the extra bytes"):
        read_npy(npy(ARRAY) + b"abc", options=HD)


def test_a_small_file_with_a_size_of_a_terabyte_is_refused():
    data = with_header("{'descr':'<f4','fortran_order':False,'shape':(1000000,1000,83,3)}")
    with pytest.raises(PoseError, match=r"996,000,000,000 bytes, but 0 follow"):
        read_npy(data, options=HD)


def test_thirty_bytes_with_a_header_size_of_gigabytes_are_refused():
    with pytest.raises(PoseError, match="truncated within its header"):
        read_npy(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"{" * 18, options=HD)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 400 + ",), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 70 + "), }",
        "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': '3'}",
        "{'descr': '<f1', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<M8', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': __import__('os').abort()}",
        "(" * 9000,
        "-" * 9000 + "1",
        "",
        "{",
    ],
)
def test_invalid_headers_are_refused(header):
    with pytest.raises(PoseError):
        read_npy(with_header(header, b"\0\0\0\0"), options=HD)


def test_an_unknown_version_is_refused():
    with pytest.raises(PoseError, match=r"version 4 of the \.npy format is not supported"):
        read_npy(with_header("{}", version=4), options=HD)


def test_text_is_not_a_keypoint():
    with pytest.raises(PoseError, match="keypoint must be numbers, not text"):
        read_npy(npy(np.array([["a", "b"]])), options=HD)


def test_too_many_frames_are_refused():
    with pytest.raises(LimitError, match="10,001 frames are too many") as caught:
        read_npy(npy(np.zeros((10_001, 1, 2), np.int8)), filename="long.npy", options=HD)
    assert (caught.value.setting, caught.value.file) == ("HEATSVC_MAX_FRAMES", "long.npy")


def test_the_layout_of_the_options_is_used():
    data = npy(np.ones((2, 553, 2), np.float32))
    clip = read_npy(data, options=ReadOptions(img_shape=(5, 5), layout="mediapipe_holistic"))
    assert clip.layout.name == "mediapipe_holistic_iris"
