"""NTU RGB+D's `.skeleton` files."""

import numpy as np
import pytest

from heatsvc.errors import LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.errors import CutShortError
from heatsvc.pose.readers import read
from tests.pose.readers.samples import ntu_body, ntu_skeleton


def test_the_places_in_the_color_image_are_read():
    data = ntu_skeleton([[ntu_body(7, 100.25)], [ntu_body(7, 200.5)]])
    [clip] = read(data, filename="nturgb+d_skeletons/S001C002P003R002A013.skeleton")
    lines = [line.split() for line in data.decode().splitlines()]
    joints = np.array([line[5:7] for line in lines if len(line) == 12], np.float32).reshape(1, 2, 25, 2)
    assert (clip.keypoint == joints).all()
    assert (clip.keypoint_score == 1).all()
    assert (clip.frame_dir, clip.layout.name, clip.img_shape) == ("S001C002P003R002A013", "ntu25", (1080, 1920))


def test_the_tracking_state_is_the_score():
    tracked = [read(ntu_skeleton([[ntu_body(7, 1.0, state)]]))[0].keypoint_score[0, 0, 0] for state in (0, 1, 2)]
    assert tracked == [0, 0.5, 1]


def test_a_joint_without_a_place_is_not_detected():
    data = ntu_skeleton([[ntu_body(7, 1.0).replace(" 3.0 4.0 ", " nan nan ")]])
    [clip] = read(data)
    assert np.isnan(clip.keypoint[0, 0, :4, 0]).tolist() == [False, False, True, False]
    assert clip.keypoint_score[0, 0, :4].tolist() == [1, 1, 0, 1]


def test_a_body_keeps_a_row():
    frames = [[], [ntu_body(5, 1.0), ntu_body(3, 2.0)], [ntu_body(3, 3.0)], [ntu_body(3, 4.0), ntu_body(5, 5.0)]]
    [clip] = read(ntu_skeleton(frames))
    assert clip.keypoint[..., 0, 0].tolist() == [[0, 1, 0, 5], [0, 2, 3, 4]]


@pytest.mark.parametrize("frames", [[[]], [[], [], []]])
def test_a_file_without_bodies_has_no_keypoints(frames):
    """302 files of the data set are so."""
    with pytest.raises(NoKeypointsError, match="no persons in any frame"):
        read(ntu_skeleton(frames), filename="S001C002P005R002A008.skeleton")


def test_a_file_that_was_cut_is_refused():
    data = ntu_skeleton([[ntu_body(7, 1.0)], [ntu_body(7, 2.0)]])
    with pytest.raises(CutShortError, match="the file ends after 31 lines, within a frame"):
        read(data[: data.index(b"\n1\r\n", 10) + 30])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"0.9 0.2 2\r\n", b"0.9 0.2\r\n", "line 5: a joint must be 12 numbers, the last of them its tracking state"),
        (b"0.9 0.2 2\r\n", b"0.9 0.2 3\r\n", "line 5: a joint must be 12 numbers"),
        (b" 1.0 2.0 0.1", b" x 2.0 0.1", "line 5: a joint must be 12 numbers"),
        (b" 1.0 2.0 0.1", b" inf 2.0 0.1", "is infinite"),
        (b"\r\n0\r\n", b"\r\nx\r\n", "line 30: the line must be the number of bodies in frame 1"),
    ],
)
def test_other_content_is_refused(old, new, said):
    data = ntu_skeleton([[ntu_body(7, 1.0)], []])
    with pytest.raises(PoseError, match=said):
        read(data.replace(old, new, 1), filename="S.skeleton")


def test_another_camera_is_refused():
    body = ntu_body(7, 1.0).replace("\r\n25\r\n", "\r\n20\r\n")
    with pytest.raises(PoseError, match="a body has 20 joints: Kinect v2 has 25"):
        read(ntu_skeleton([[ntu_body(7, 1.0), body]]))


def test_two_bodies_of_one_id_are_refused():
    with pytest.raises(PoseError, match="two bodies of frame 0 have the same ID"):
        read(ntu_skeleton([[ntu_body(7, 1.0), ntu_body(7, 1.0)]]))


def test_crowds_and_long_videos_are_refused_before_they_are_read():
    with pytest.raises(LimitError, match="65 persons are too many"):
        read(ntu_skeleton([[ntu_body(7, 1.0)], []]).replace(b"2\r\n1\r\n", b"2\r\n65\r\n", 1))
    with pytest.raises(LimitError, match="99,999 frames are too many"):
        read(b"99999" + ntu_skeleton([[ntu_body(7, 1.0)]])[1:])
