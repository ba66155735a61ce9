"""Kinetics-skeleton's JSON, in ST-GCN's form."""

import numpy as np
import pytest

from heatsvc.errors import LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import HD, kinetics_frame, kinetics_person, text

SMALL = ReadOptions(img_shape=(256, 340))


def video(*frames: dict) -> bytes:
    return text({"data": list(frames), "label": "jetskiing", "label_index": 163})


def test_points_are_scaled_to_the_frame():
    person = kinetics_person(0.25)
    person["pose"][2:4], person["score"][1] = [0.0, 0.0], 0.0
    [clip] = read(video(kinetics_frame(1, person)), filename="abc.json", options=SMALL)
    right = np.array(person["pose"]).reshape(18, 2) * (340, 256)
    assert clip.keypoint[0, 0].tolist() == pytest.approx(right)
    assert clip.keypoint_score[0, 0].tolist() == [0.5, 0.0, *[0.5] * 16]
    assert (clip.layout.name, clip.frame_dir, clip.label) == ("openpose18", "abc", 163)


def test_frames_are_numbered_and_those_left_out_have_no_persons():
    first, second = kinetics_person(0.25), kinetics_person(0.5)
    data = video(kinetics_frame(2, first), kinetics_frame(3), kinetics_frame(5, second, first))
    [clip] = read(data, options=SMALL)
    assert clip.keypoint[..., 0, 0].tolist() == [[0, 85, 0, 0, 170], [0, 0, 0, 0, 85]]


def test_numbers_from_0_on_are_read():
    [clip] = read(video(kinetics_frame(0, kinetics_person(0.25)), kinetics_frame(1)), options=SMALL)
    assert clip.frames == 2


def test_pixels_are_not_scaled_again():
    person = {"pose": [100.0, 200.0] * 18, "score": [1.0] * 18}
    [clip] = read(video(kinetics_frame(1, person)), options=HD)
    assert clip.keypoint[0, 0, 0].tolist() == [100, 200]


@pytest.mark.parametrize("frames", [[], [kinetics_frame(1)]])
def test_videos_without_a_skeleton_have_no_keypoints(frames):
    with pytest.raises(NoKeypointsError, match="no persons in any frame"):
        read(video(*frames), options=HD)


def test_img_shape_is_required():
    with pytest.raises(PoseError, match="img_shape is missing"):
        read(video(kinetics_frame(1, kinetics_person(0.25))))


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([kinetics_frame(1), {"frame_index": 2}], r"data\[1\] must be an object with frame_index and a list skeleton"),
        ([kinetics_frame(2), kinetics_frame(1)], r"data\[1\]\.frame_index is 1 after 2: frames must be in the video's"),
        ([kinetics_frame("1")], r"data\[0\]\.frame_index must be the number of the frame, from 1 on"),
        ([kinetics_frame(1, {"pose": [1, 2]})], r"data\[0\]\.skeleton\[0\] must be an object with pose and score"),
        (
            [kinetics_frame(1, kinetics_person(0.5), kinetics_person(0.5, 17))],
            r"skeleton\[1\]\.pose must be one list of 36 numbers, x, y after x, y of 18 points, not \[34\]",
        ),
        ([kinetics_frame(1, {"pose": ["a", 1], "score": [1]})], r'pose\[0\] is "a": it must be a number'),
    ],
)
def test_other_content_is_refused(frames, said):
    with pytest.raises(PoseError, match=said):
        read(video(*frames), options=HD)


def test_a_far_frame_is_refused_before_allocation():
    with pytest.raises(LimitError, match="1,000,000,000 frames are too many"):
        read(video(kinetics_frame(1), kinetics_frame(10**9)), options=HD)
