"""`.pose` files of pose-format: MediaPipe's points without the world landmarks, and checked sizes."""

import contextlib
import io
import struct

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

from heatsvc.errors import InputError, LimitError
from heatsvc.pose import NoKeypointsError, PoseError, get_layout
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import DATA, HD


def real(name: str = "ase_F") -> bytes:
    return (DATA / "poses" / f"{name}.pose").read_bytes()


FINGERS = ("THUMB", "INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
THUMB, FINGER = ("CMC", "MCP", "IP", "TIP"), ("MCP", "PIP", "DIP", "TIP")
HAND = ["WRIST", *(f"{name}_{joint}" for name in FINGERS for joint in (THUMB if name == "THUMB" else FINGER))]
BODY_25 = (
    *("Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist"),
    *("MidHip", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar"),
    *("LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel"),
)


def names_of(component: str, points: int) -> list[str]:
    """The points' names as pose-format writes them for MediaPipe and OpenPose."""
    match component, points:
        case "POSE_LANDMARKS", 33:
            return [point.upper() for point in get_layout("mediapipe_pose33").points]
        case (
            ("LEFT_HAND_LANDMARKS" | "RIGHT_HAND_LANDMARKS" | "hand_left_keypoints_2d" | "hand_right_keypoints_2d"),
            21,
        ):
            return HAND
        case "pose_keypoints_2d", 25:
            return BODY_25
        case (("FACE_LANDMARKS" | "face_keypoints_2d"), _):
            return [str(i) for i in range(points)]
    return [f"p{i}" for i in range(points)]


def written(components: dict[str, int], data: np.ndarray, confidence: np.ndarray, size=(640, 480)) -> bytes:
    """A file as the package writes it: data [T, M, V, 3]."""
    header = PoseHeader(
        0.2,
        PoseHeaderDimensions(*size, 0),
        [PoseHeaderComponent(n, names_of(n, v), [], [], "XYZC") for n, v in components.items()],
    )
    buffer = io.BytesIO()
    Pose(header, NumPyPoseBody(25, data.astype(np.float32), confidence.astype(np.float32))).write(buffer)
    return buffer.getvalue()


def test_a_real_file_is_mediapipe_holistic_without_world_landmarks():
    [clip] = read(real(), filename="ase_F.pose")
    assert clip.keypoint.shape == (1, 24, 553, 2)
    assert clip.layout.name == "mediapipe_holistic_iris"
    assert clip.img_shape == (500, 500)
    assert clip.frame_dir == "ase_F"
    np.testing.assert_array_equal(clip.keypoint[0, 0, 0], np.float32([246.28357, 131.63403]))
    assert clip.keypoint_score[0, 0, 0] == np.float32(0.99601316)


def test_a_missing_hand_has_score_0():
    [clip] = read(real())
    assert not clip.keypoint_score[0, 0, 511:532].any()
    assert not np.isnan(clip.keypoint).any()


def test_the_letters_of_a_word_can_be_selected_as_sign27():
    from heatsvc.pose import LAYOUTS

    [clip] = read(real())
    assert clip.keypoint[:, :, LAYOUTS["sign27"].indices_in(clip.layout)].shape == (1, 24, 27, 2)


def test_components_are_in_the_layouts_order():
    components = {"RIGHT_HAND_LANDMARKS": 21, "POSE_LANDMARKS": 33, "FACE_LANDMARKS": 468, "LEFT_HAND_LANDMARKS": 21}
    data = np.broadcast_to(np.arange(543)[None, None, :, None], (2, 1, 543, 3)) + 1
    [clip] = read(written(components, data, np.ones((2, 1, 543))))
    assert clip.layout.name == "mediapipe_holistic"
    assert clip.keypoint[0, 0, 0, 0] == 22
    assert clip.keypoint[0, 0, 522, 0] == 1


def test_openpose_in_a_pose_file_is_openpose137():
    components = {
        "pose_keypoints_2d": 25,
        "face_keypoints_2d": 70,
        "hand_left_keypoints_2d": 21,
        "hand_right_keypoints_2d": 21,
    }
    [clip] = read(written(components, np.ones((2, 3, 137, 3)), np.ones((2, 3, 137))))
    assert (clip.layout.name, clip.persons, clip.frames) == ("openpose137", 3, 2)


def test_points_of_confidence_0_keep_their_position_where_it_is_a_number():
    data = np.ones((1, 1, 3, 3))
    data[0, 0, 1] = np.nan
    [clip] = read(written({"BODY": 3}, data, np.array([[[0, 0, 1]]])))
    assert clip.keypoint[0, 0].tolist() == [[1, 1], [0, 0], [1, 1]]
    assert clip.keypoint_score[0, 0].tolist() == [0, 0, 1]
    assert clip.layout.points == ("p0", "p1", "p2")


def test_without_a_size_in_the_header_the_options_have_it():
    data = written({"BODY": 3}, np.ones((1, 1, 3, 3)), np.ones((1, 1, 3)), size=(0, 0))
    assert read(data, options=HD)[0].img_shape == (1080, 1920)


def test_a_file_that_is_cut_short_is_refused():
    with pytest.raises(
        PoseError, match=r"declares 24 frames of 9,376 bytes, but 225,023 bytes follow.*truncated"
    ) as caught:
        read(real()[:-1], filename="ase_F.pose")
    assert caught.value.file == "ase_F.pose"


def test_a_file_with_a_count_of_four_billion_frames_is_refused():
    data = bytearray(written({"BODY": 3}, np.ones((1, 1, 3, 3)), np.ones((1, 1, 3))))
    body = len(data) - 1 * 3 * 4 * 4
    data[body - 6 : body - 2] = b"\xff\xff\xff\xff"
    with pytest.raises(PoseError, match="declares 4,294,967,295 frames of 48 bytes, but 48 bytes follow"):
        read(bytes(data))


@pytest.mark.parametrize("length", [4, 12, 40, 500])
def test_a_header_that_is_cut_short_is_refused(length):
    with pytest.raises(PoseError, match="truncated within its header"):
        read(real()[:length])


def test_a_file_without_persons_is_refused():
    data = written({"BODY": 3}, np.ones((0, 0, 3, 3)), np.ones((0, 0, 3)))
    with pytest.raises(PoseError, match="no persons or no points"):
        read(data)


def test_a_layout_of_another_size_is_refused():
    with pytest.raises(PoseError, match="layout coco17 has 17 points, but the keypoints have 553"):
        read(real(), options=ReadOptions(layout="coco17"))


def written_in_version_0(
    component: str, frames: list[list[np.ndarray]], columns: str = "XYC", size=(600, 400)
) -> bytes:
    """Version 0.0 by its specification: each frame's persons, each with its id and points [V, C]."""
    points = names_of(component, frames[0][0].shape[0])
    texts = b"".join(struct.pack("<H", len(text)) + text.encode() for text in (component, columns))
    header = struct.pack("<fHHHH", 0.0, *size, 0, 1) + texts + struct.pack("<HHH", len(points), 0, 0)
    header += b"".join(struct.pack("<H", len(point)) + point.encode() for point in points)
    body = struct.pack("<HH", 25, len(frames))
    for persons in frames:
        body += struct.pack("<H", len(persons))
        body += b"".join(struct.pack("<h", -1) + person.astype("<f4").tobytes() for person in persons)
    return header + body


def test_version_0_is_read_as_pose_format_reads_it():
    data = (DATA / "cases" / "09_pose" / "version_0.0.pose").read_bytes()
    [clip] = read(data, filename="version_0.0.pose")
    expected = Pose.read(data).body
    assert clip.layout.points == ("nose", "neck", "right_shoulder")
    assert clip.img_shape == (400, 600)
    np.testing.assert_array_equal(clip.keypoint[0], expected.data.data[:, 0].astype(np.float32))
    np.testing.assert_array_equal(clip.keypoint_score[0], expected.confidence[:, 0].astype(np.float32))


def test_version_0_has_all_persons_and_zeros_where_a_frame_has_fewer():
    a, b, c = (np.arange(25 * 4, dtype=np.float32).reshape(25, 4) + offset for offset in (1, 101, 201))
    [clip] = read(written_in_version_0("pose_keypoints_2d", [[a, b], [c]], "XYZC"))
    assert clip.layout.name == "openpose25"
    np.testing.assert_array_equal(clip.keypoint[:, 0], [a[:, :2], b[:, :2]])
    np.testing.assert_array_equal(clip.keypoint[0, 1], c[:, :2])
    np.testing.assert_array_equal(clip.keypoint_score[0], [a[:, 3], c[:, 3]])
    assert not clip.keypoint[1, 1].any()
    assert not clip.keypoint_score[1, 1].any()


def test_version_0_without_persons_is_refused():
    data = written_in_version_0("BODY", [[np.ones((3, 3))]])
    with pytest.raises(NoKeypointsError, match="no persons in any frame"):
        read(data[: -(2 + 2 + 3 * 3 * 4)] + struct.pack("<H", 0))


def test_version_0_is_held_to_the_bounds_before_memory_is_taken():
    crowded = [[np.ones((3, 3))] * 65]
    with pytest.raises(LimitError, match="65 persons are too many"):
        read(written_in_version_0("BODY", crowded))
    data = bytearray(written_in_version_0("BODY", [[np.ones((3, 3))]]))
    position = len(data) - (2 + 2 + 2 + 3 * 3 * 4)
    data[position : position + 2] = b"\xff\xff"
    with pytest.raises(LimitError, match="65,535 frames are too many"):
        read(bytes(data))


def test_damaged_files_of_version_0_are_refused():
    data = written_in_version_0("BODY", [[np.ones((3, 3))], [np.ones((3, 3))]])
    for length in range(4, len(data)):
        with pytest.raises(PoseError):
            read(data[:length], filename="clip.pose")
    with pytest.raises(PoseError, match="2 bytes follow its 2 frames"):
        read(data + b"ab")
    rng = np.random.default_rng(0)
    for _ in range(300):
        bent = bytearray(data)
        bent[rng.integers(4, len(data))] = rng.integers(256)
        with contextlib.suppress(InputError):
            read(bytes(bent), filename="clip.pose")


def test_zeros_that_are_no_pose_file_are_not_taken_for_one():
    with pytest.raises(PoseError, match="has an unknown format"):
        read(bytes(100))
