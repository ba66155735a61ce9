"""The annotation pickle: as of PYSKL's tools and ours, with every version of NumPy and protocol."""

import pickle

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import annotation, pickled

TWO = {
    "split": {"train": ["clip_a"], "test": ["clip_b"]},
    "annotations": [annotation(), annotation("clip_b", frames=5)],
}


def as_numpy_1(data: bytes) -> bytes:
    """A pickle under the module names of NumPy 1, whose length bytes fit (protocol 2 names modules by line)."""
    return data.replace(b"numpy._core", b"numpy.core")


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol(protocol):
    clips = read(pickled(TWO, protocol), filename="ann.pkl")
    assert [(clip.frame_dir, clip.frames, clip.label, clip.img_shape) for clip in clips] == [
        ("clip_a", 3, 4, (1080, 1920)),
        ("clip_b", 5, 4, (1080, 1920)),
    ]
    assert clips[1].keypoint.tolist() == TWO["annotations"][1]["keypoint"].tolist()
    assert clips[1].keypoint_score.tolist() == TWO["annotations"][1]["keypoint_score"].tolist()


@pytest.mark.parametrize("protocol", [0, 2, 3])
def test_pickles_of_numpy_1(protocol):
    data = as_numpy_1(pickled(TWO, protocol))
    assert b"numpy.core.multiarray" in data
    assert len(read(data)) == 2


def test_pickles_of_numpy_2():
    assert b"numpy._core.multiarray" in pickled(TWO, 4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_floats_of_any_width(dtype):
    [clip] = read(pickled([annotation(dtype=dtype)]))
    assert clip.keypoint.dtype == np.float32
    assert clip.keypoint.tolist() == annotation(dtype=dtype)["keypoint"].tolist()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_fortran_order(protocol):
    keypoint = np.asfortranarray(np.arange(1 * 3 * 4 * 2, dtype=np.float32).reshape(1, 3, 4, 2))
    content = [{"keypoint": keypoint, "img_shape": (4, 4)}]
    assert read(pickled(content, protocol))[0].keypoint.tolist() == keypoint.tolist()


def test_a_bare_list_is_read_too():
    assert len(read(pickled([annotation()]))) == 1


@pytest.mark.parametrize("label", [np.int64(7), np.int32(7), np.uint8(7), 7])
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_labels_may_be_numpys_numbers(label, protocol):
    assert read(pickled([annotation(label=label)], protocol))[0].label == 7


def test_names_and_shapes_may_be_numpys():
    content = [annotation(np.str_("clip_é"), img_shape=np.array([480, 640]))]
    [clip] = read(pickled(content))
    assert (clip.frame_dir, clip.img_shape) == ("clip_é", (480, 640))


def test_img_shape_may_be_two_numpy_numbers():
    assert read(pickled([annotation(img_shape=(np.int64(480), np.int64(640)))]))[0].img_shape == (480, 640)


def test_clips_are_selected_by_frame_dir_in_the_given_order():
    clips = read(pickled(TWO), options=ReadOptions(frame_dirs=["clip_b", "clip_a"]))
    assert [clip.frame_dir for clip in clips] == ["clip_b", "clip_a"]


def test_an_unknown_frame_dir_is_refused_with_some_that_are_known():
    with pytest.raises(PoseError, match=r"no frame_dir 'clip_c'; it has 2, such as 'clip_a', 'clip_b'") as caught:
        read(pickled(TWO), filename="ann.pkl", options=ReadOptions(frame_dirs=["clip_a", "clip_c"]))
    assert (caught.value.field, caught.value.file) == ("frame_dir", "ann.pkl")


def test_errors_in_clips_that_are_not_selected_are_ignored():
    content = [annotation(), annotation("broken", keypoint=None)]
    assert len(read(pickled(content), options=ReadOptions(frame_dirs=["clip_a"]))) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"keypoint": None}, r"annotations\[0\]\.keypoint is missing"),
        ({"keypoint": [[1, 2]]}, r"annotations\[0\]\.keypoint must be a NumPy array of numbers, not list"),
        ({"keypoint": np.ones((1, 3, 17, 4))}, r"last axis of annotations\[0\]\.keypoint has 4 numbers"),
        ({"keypoint_score": np.ones((1, 3, 16))}, r"annotations\[0\]\.keypoint_score is \[1, 3, 16\]"),
        ({"total_frames": 4}, r"annotations\[0\]\.total_frames is 4, but keypoint has 3 frames"),
        ({"img_shape": (1080.5, 1920)}, r"annotations\[0\]\.img_shape must be two whole numbers, \(height, width\)"),
        ({"img_shape": (1080, 0)}, r"annotations\[0\]\.img_shape must be \[height, width\] from 1"),
        ({"img_shape": None}, r"annotations\[0\]\.img_shape is missing"),
        ({"label": "four"}, r"annotations\[0\]\.label must be a whole number, the class index, not str"),
        ({"label": 1 << 40_000}, r"annotations\[0\]\.label must be a whole number, the class index, not a number too"),
        ({"total_frames": 1 << 40_000}, r"annotations\[0\]\.total_frames is int, but keypoint has 3 frames"),
        ({"img_shape": (1 << 40_000, 5)}, r"annotations\[0\]\.img_shape must be"),
    ],
)
def test_an_invalid_annotation_is_refused_with_its_index(more, said):
    with pytest.raises(PoseError, match=said):
        read(pickled([annotation(**more)]))


@pytest.mark.parametrize("content", [{}, {"annotations": 5}, [5], {"annotations": [[1]]}])
def test_a_pickle_of_other_content_is_refused(content):
    with pytest.raises(PoseError, match=r"annotation"):
        read(pickled(content))


def test_too_many_clips_at_once_are_refused():
    content = [annotation(f"c{i}") for i in range(6)]
    with pytest.raises(LimitError, match=r"6 clips at once \(choose some with frame_dir\) are too many"):
        read(pickled(content), options=ReadOptions(bounds=Bounds(max_clips=5)))


def test_one_clip_listed_a_thousand_times_is_counted_a_thousand_times():
    content = [annotation(frames=100)] * 1000
    assert len(pickled(content)) < 20_000
    with pytest.raises(LimitError, match="bytes of keypoints are too many"):
        read(pickled(content), options=ReadOptions(bounds=Bounds(max_unpacked_bytes=10_000_000)))


def test_pickles_are_read_as_by_the_standard_library():
    content = {"split": {"train": ["a"]}, "annotations": [annotation(frames=n, label=np.int64(n)) for n in range(1, 9)]}
    data = pickled(content)
    clips = read(data)
    for clip, original in zip(clips, pickle.loads(data)["annotations"], strict=True):
        np.testing.assert_array_equal(clip.keypoint, original["keypoint"].astype(np.float32))
        np.testing.assert_array_equal(clip.keypoint_score, original["keypoint_score"].astype(np.float32))
