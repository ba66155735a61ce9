"""OpenPose's JSON: one file per frame, a clip as a zip archive of frames."""

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import HD, openpose_frame, text, triples, zipped

BODY = {"pose_keypoints_2d": triples(25, 100.0)}
WHOLE = {
    "pose_keypoints_2d": triples(25, 100.0),
    "face_keypoints_2d": triples(70, 200.0),
    "hand_left_keypoints_2d": triples(21, 300.0),
    "hand_right_keypoints_2d": triples(21, 400.0),
}


def test_one_file_is_one_frame():
    [clip] = read(openpose_frame(WHOLE), filename="v_000000000012_keypoints.json", options=HD)
    assert clip.keypoint.shape == (1, 1, 137, 2)
    assert clip.layout.name == "openpose137"
    assert clip.frame_dir == "v_000000000012_keypoints"
    assert clip.keypoint[0, 0, [0, 25, 95, 116]].tolist() == [[100, 101], [200, 201], [300, 301], [400, 401]]


def test_the_parts_that_there_are_make_the_layout():
    [clip] = read(openpose_frame({**BODY, "face_keypoints_2d": []}), options=HD)
    assert (clip.points, clip.layout.name) == (25, "openpose25")


def test_frames_of_an_archive_are_in_the_order_of_their_numbers():
    frames = {f"v/v_{n}_keypoints.json": openpose_frame({"pose_keypoints_2d": triples(25, n)}) for n in (10, 9, 100)}
    [clip] = read(zipped(frames), filename="v.zip", options=HD)
    assert clip.keypoint[0, :, 0, 0].tolist() == [9, 10, 100]
    assert clip.frame_dir == "v"


def test_a_missing_person_is_zeros_with_score_0():
    frames = {"f_0.json": openpose_frame(BODY, BODY), "f_1.json": openpose_frame(), "f_2.json": openpose_frame(BODY)}
    [clip] = read(zipped(frames), options=HD)
    assert clip.keypoint.shape == (2, 3, 25, 2)
    assert clip.keypoint_score.any(axis=-1).tolist() == [[True, False, True], [True, False, False]]
    assert not clip.keypoint[1, 2].any()


def test_a_missing_part_is_zeros_with_score_0():
    frames = {"f_0.json": openpose_frame(WHOLE), "f_1.json": openpose_frame({**WHOLE, "hand_left_keypoints_2d": []})}
    [clip] = read(zipped(frames), options=HD)
    assert clip.points == 137
    assert not clip.keypoint_score[0, 1, 95:116].any()
    assert clip.keypoint_score[0, 1, 116:].all()


def test_models_mixed_across_frames_are_refused_with_both_files():
    frames = {
        "f_0.json": openpose_frame(BODY),
        "f_1.json": openpose_frame({"pose_keypoints_2d": triples(18, 1.0)}),
    }
    with pytest.raises(PoseError, match=r"has 18 points here, but 25 in v\.zip/f_0\.json: a clip must") as caught:
        read(zipped(frames), filename="v.zip", options=HD)
    assert (caught.value.file, caught.value.frame) == ("v.zip/f_1.json", 1)


def test_a_broken_frame_is_refused_with_its_name():
    with pytest.raises(PoseError, match="the JSON is invalid") as caught:
        read(zipped({"f_0.json": b'{"people": ['}), filename="v.zip", options=HD)
    assert caught.value.file == "v.zip/f_0.json"


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"people": 1}, r'the file is not an OpenPose frame, {"people": \[\.\.\.\]}'),
        ({"people": {"person_id": -1}}, r"people\[0\] has no pose_keypoints_2d"),
        ({"people": [1]}, r"people\[0\] has no pose_keypoints_2d"),
        ({"people": [{"pose_keypoints": [1, 2, 3]}]}, r"people\[0\] has no pose_keypoints_2d"),
        ({"people": [{"pose_keypoints_2d": [1, 2, 3, 4]}]}, r"pose_keypoints_2d must be one flat list of x, y, score"),
        ({"people": [{"pose_keypoints_2d": [[1, 2, 3]]}]}, r"pose_keypoints_2d must be one flat list of x, y, score"),
        ({"people": [{"pose_keypoints_2d": [1, 2, "3"]}]}, r'people\[0\]\.pose_keypoints_2d\[2\] is "3"'),
        ({"people": [{"pose_keypoints_2d": [1, 2, True]}]}, r"people\[0\]\.pose_keypoints_2d\[2\] is true"),
    ],
)
def test_other_content_is_refused(frame, said):
    with pytest.raises(PoseError, match=said):
        read(text(frame), options=HD)


def test_no_persons_in_any_frame_means_no_keypoints():
    with pytest.raises(NoKeypointsError, match="no persons in any frame"):
        read(zipped({"f_0.json": openpose_frame(), "f_1.json": openpose_frame()}), options=HD)


def test_people_without_points_mean_no_keypoints():
    with pytest.raises(NoKeypointsError, match="0 keypoints"):
        read(openpose_frame({"pose_keypoints_2d": []}), options=HD)


def test_hidden_files_in_an_archive_are_ignored():
    frames = {"f_0.json": openpose_frame(BODY), "__MACOSX/._f_0.json": b"\0", ".DS_Store": b"\0"}
    assert read(zipped(frames), options=HD)[0].frames == 1


def test_other_files_in_an_archive_are_refused_and_texts_left_out():
    files = {"f_0.json": openpose_frame(BODY), "readme.txt": b"hello"}
    assert len(read(zipped(files), filename="v.zip", options=HD)) == 1
    with pytest.raises(PoseError, match=r"'v\.zip/readme\.dat' has an unknown format"):
        read(zipped(files | {"readme.dat": b"hello"}), filename="v.zip", options=HD)


def test_the_values_of_all_frames_together_are_bounded():
    frames = {f"f_{i}.json": openpose_frame(BODY) for i in range(20)}
    with pytest.raises(LimitError, match="JSON values are too many"):
        read(zipped(frames), options=ReadOptions(img_shape=(4, 4), bounds=Bounds(max_input_values=1_000)))


def test_one_crowded_frame_cannot_make_a_long_clip_large():
    crowd = openpose_frame(*[{"pose_keypoints_2d": [1, 2, 1]}] * 60)
    frames = {"f_0.json": crowd, **{f"f_{i}.json": openpose_frame() for i in range(1, 100)}}
    with pytest.raises(LimitError, match="bytes of keypoints are too many"):
        read(zipped(frames), options=ReadOptions(img_shape=(4, 4), bounds=Bounds(max_unpacked_bytes=60_000)))


def test_null_is_not_detected():
    [clip] = read(openpose_frame({"pose_keypoints_2d": [None, None, None, 1, 2, 1]}), options=HD)
    assert np.isnan(clip.keypoint[0, 0, :, 0]).tolist() == [True, False]
