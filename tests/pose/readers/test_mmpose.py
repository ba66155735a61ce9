"""MMPose's predictions of videos and images."""

import pytest

from heatsvc.errors import LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import read
from tests.pose.readers.samples import HD, mmpose_instance, text


def frame(number, *instances):
    return {"frame_id": number, "instances": list(instances)}


def test_a_video_is_a_clip():
    data = text([frame(0, mmpose_instance(133, 5.0)), frame(1, mmpose_instance(133, 6.0))])
    [clip] = read(data, filename="a.mp4.json", options=HD)
    assert clip.keypoint.shape == (1, 2, 133, 2)
    assert clip.keypoint[0, :, 0].tolist() == [[5, 6], [6, 7]]
    assert clip.keypoint_score[0, 0, 0] == 0.5
    assert (clip.layout.name, clip.frame_dir) == ("coco_wholebody", "a.mp4")


def test_an_image_is_one_frame():
    [clip] = read(text([mmpose_instance(17, 5.0), mmpose_instance(17, 9.0)]), options=HD)
    assert clip.keypoint.shape == (2, 1, 17, 2)
    assert clip.layout.name == "coco17"


@pytest.mark.parametrize("info", [[frame(1, mmpose_instance(17, 5.0))], [mmpose_instance(17, 5.0)]])
def test_predictions_of_the_demos_are_read(info):
    [clip] = read(text({"meta_info": {"dataset_name": "coco"}, "instance_info": info}), options=HD)
    assert clip.keypoint.shape == (1, 1, 17, 2)


def test_a_missing_person_is_0_with_score_0():
    [clip] = read(text([frame(0), frame(1, mmpose_instance(17, 5.0)), frame(2)]), options=HD)
    assert clip.keypoint_score.any(axis=-1).tolist() == [[False, True, False]]


def test_models_that_are_mixed_are_refused_with_the_frame():
    data = text([frame(0, mmpose_instance(17, 5.0)), frame(1), frame(2, mmpose_instance(133, 5.0))])
    with pytest.raises(PoseError, match="an instance of frame 2 has 133 keypoints, but others have 17") as caught:
        read(data, options=HD)
    assert caught.value.frame == 2


def test_frames_out_of_order_are_refused():
    with pytest.raises(PoseError, match=r"\[1\] has frame_id 3 after 4: frames must be in the video's order"):
        read(text([frame(4), frame(3)]), options=HD)


@pytest.mark.parametrize("empty", [[], [{"frame_id": 0, "instances": []}], {"instance_info": []}])
def test_no_persons_means_no_keypoints(empty):
    with pytest.raises(NoKeypointsError, match="no persons in any frame"):
        read(text(empty), options=HD)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"frame_id": 0, "instances": 5}], r"\[0\]\.instances must be a list of instances"),
        ([frame(0, {"keypoints": [[1, 2]]})], r"\[0\]\.instances\[0\] must be an instance with keypoints and keypoint"),
        (
            [frame(0, {"keypoints": [[1, 2, 3]], "keypoint_scores": [1]})],
            r"must be a list of \[x, y\] in pixels, not \[1, 3\]",
        ),
        (
            [frame(0, {"keypoints": [[1, 2]], "keypoint_scores": [1, 1]})],
            r"keypoint_scores must be 1 numbers, one per key",
        ),
        ([frame(0, {"keypoints": [[1, "2"]], "keypoint_scores": [1]})], r'instances\[0\]\.keypoints\[0\]\[1\] is "2"'),
        ([frame(0, {"keypoints": [[1, True]], "keypoint_scores": [1]})], r"keypoints\[0\]\[1\] is true"),
        ({"instance_info": 5}, "instance_info must be a list of frames or instances"),
    ],
)
def test_other_content_is_refused(content, said):
    with pytest.raises(PoseError, match=said):
        read(text(content), options=HD)


def test_img_shape_is_required():
    with pytest.raises(PoseError, match="img_shape is missing"):
        read(text([mmpose_instance(17, 5.0)]))


def test_a_crowd_is_refused_before_allocation():
    with pytest.raises(LimitError, match="65 persons are too many"):
        read(text([mmpose_instance(1, 5.0)] * 65), options=HD)
