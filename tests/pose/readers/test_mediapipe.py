"""MediaPipe's landmarks in JSON, in the forms that people save them in."""

import numpy as np
import pytest

from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.plausibility import judge_points
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import landmarks, text

OPTIONS = ReadOptions(img_shape=(512, 1024))
POSE, HAND = landmarks(33, 0.25), landmarks(21, 0.5, None)
# Where the first and the second landmark of POSE, and the first of HAND are.
NOSE, WRIST = [256, 64], [512, 128]
HANDS = {"left_hand_landmarks": HAND, "right_hand_landmarks": None}


def as_lists(part: list[dict]) -> list[list[float]]:
    return [list(landmark.values()) for landmark in part]


def only(content, options: ReadOptions = OPTIONS):
    [clip] = read(text(content), filename="v.json", options=options)
    return clip


def camel(frame: dict) -> dict:
    names = {"pose_landmarks": "poseLandmarks", "left_hand_landmarks": "leftHandLandmarks"}
    return {names.get(key, key): value for key, value in frame.items()}


FRAMES = {
    "landmarks": POSE,
    "lists": {"pose": as_lists(POSE)},
    "flat": {"pose": [number for landmark in POSE for number in landmark.values()]},
    "parts": {"pose_landmarks": POSE, "pose_world_landmarks": landmarks(33, 0.9)},
    "camel": {"poseLandmarks": POSE, "image": {}},
    "protobuf": {"pose_landmarks": {"landmark": POSE}},
    "tasks": {"pose_landmarks": [POSE], "pose_world_landmarks": [landmarks(33, 0.9)], "segmentation_masks": None},
    "javascript": {"landmarks": [POSE], "worldLandmarks": [landmarks(33, 0.9)]},
    "nested": {"timestamp": 40, "results": {"pose": POSE}},
    "in_landmarks": {"timestamp": 40, "landmarks": {"pose": POSE}},
    "body": {"body": POSE, "fps": 30},
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize(
    "wrap", [lambda frame: frame, lambda frame: [frame], lambda frame: {"fps": 5, "frames": [frame]}]
)
def test_a_frame_is_read_in_each_form(name, wrap):
    clip = only(wrap(FRAMES[name]))
    right = np.array([[landmark["x"] * 1024, landmark["y"] * 512] for landmark in POSE], np.float32)
    assert (clip.keypoint == right[None, None]).all()
    assert (clip.keypoint_score == 0.5).all()
    assert (clip.layout.name, clip.frame_dir) == ("mediapipe_pose33", "v")


def test_landmarks_may_have_names():
    names = ["NOSE", "LEFT_EYE_INNER", "LEFT_EYE", "LEFT_EYE_OUTER", "RIGHT_EYE_INNER", "RIGHT_EYE", "RIGHT_EYE_OUTER"]
    names += ["LEFT_EAR", "RIGHT_EAR", "MOUTH_LEFT", "MOUTH_RIGHT"]
    names += [
        f"{side}_{name}"
        for name in (
            "SHOULDER",
            "ELBOW",
            "WRIST",
            "PINKY",
            "INDEX",
            "THUMB",
            "HIP",
            "KNEE",
            "ANKLE",
            "HEEL",
            "FOOT_INDEX",
        )
        for side in ("LEFT", "RIGHT")
    ]
    clip = only([{"landmarks": dict(reversed(list(zip(names, POSE, strict=True))))}])
    assert clip.keypoint[0, 0, 0].tolist() == NOSE
    assert clip.layout.name == "mediapipe_pose33"


VIDEOS = {
    "list": [{"pose": POSE}, {"pose": None}, {"pose": landmarks(33, 0.5)}],
    "of landmarks": [POSE, [], landmarks(33, 0.5)],
    "key": {"fps": 30, "keypoints": [{"pose": POSE}, {"pose": []}, {"pose": landmarks(33, 0.5)}]},
    "by number": {"2": {"pose": landmarks(33, 0.5)}, "0": {"pose": POSE}, "1": {"pose": None}},
    "frame_": {"frame_2": POSE, "frame_10": None, "frame_11": landmarks(33, 0.5)},
    "over frames": {"pose_landmarks": [POSE, None, landmarks(33, 0.5)], "timestamps": [0, 1, 2]},
    "lists over frames": {"pose": [as_lists(POSE), [], as_lists(landmarks(33, 0.5))]},
    "numbered": [{"frame": 4, "pose": POSE}, {"frame": 6, "pose": landmarks(33, 0.5)}, {"frame": 7}, {"frame": 8}],
}


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_read_in_each_form(name):
    clip = only(VIDEOS[name])
    assert clip.keypoint[0, :3, 0, 0].tolist() == [256, 0, 512]
    assert clip.keypoint_score[0, :3, 0].tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize(
    ("frame", "layout"),
    [
        ({"pose": POSE, "left_hand": HAND, "right_hand": HAND}, "mediapipe_holistic_75"),
        ({"poseLandmarks": POSE, "leftHandLandmarks": HAND}, "mediapipe_holistic_75"),
        ({"pose_landmarks": POSE, **HANDS, "face_landmarks": landmarks(468, 0.1, None)}, "mediapipe_holistic"),
        ({"pose_landmarks": POSE, **HANDS, "face_landmarks": landmarks(478, 0.1, None)}, "mediapipe_holistic_iris"),
        ({"pose_landmarks": POSE, **HANDS, "face_landmarks": None}, "mediapipe_holistic"),
        ({"hands": [HAND]}, "hand21"),
        ({"multiHandLandmarks": [HAND, HAND]}, "hand21"),
    ],
)
def test_the_layout_is_of_the_parts_that_are_there(frame, layout):
    assert only([frame]).layout.name == layout


def test_parts_are_in_their_places():
    face = landmarks(468, 0.125, None)
    clip = only([{"rightHand": HAND, "face": face, "pose": POSE, "leftHand": None}])
    points = clip.keypoint[0, 0]
    assert (points[0].tolist(), points[33].tolist(), points[522].tolist()) == (NOSE, [128, 32], WRIST)
    assert clip.keypoint_score[0, 0, [0, 33, 501, 522]].tolist() == [0.5, 1, 0, 1]


def test_hands_have_their_sides_by_handedness():
    left, right = HAND, landmarks(21, 0.75, 0.0)
    for handedness in (
        [[{"category_name": "Right", "score": 0.9}], [{"category_name": "Left"}]],
        [[{"categoryName": "Right"}], [{"categoryName": "Left"}]],
        [{"label": "Right", "index": 1}, {"label": "Left", "index": 0}],
        [{"classification": [{"label": "Right"}]}, {"classification": [{"label": "Left"}]}],
    ):
        clip = only([{"hand_landmarks": [right, left], "handedness": handedness}, {"landmarks": [], "handedness": []}])
        assert clip.layout.points[:1] + clip.layout.points[21:22] == ("left_hand_0", "right_hand_0")
        assert clip.keypoint[0, :, [0, 21], 0].tolist() == [[512, 0], [768, 0]]
        assert clip.keypoint_score[0, 0].tolist() == [1] * 42


def test_persons_of_a_result_are_persons():
    other = landmarks(33, 0.5)
    world = {"pose_world_landmarks": [POSE, POSE]}
    for content in ({"pose_landmarks": [POSE, other], **world}, [{"pose_landmarks": [POSE, other]}]):
        assert only(content).keypoint[:, 0, 0, 0].tolist() == [256, 512]


def test_the_files_own_size_is_the_frames():
    clip = only({"width": 256, "height": 128, "frames": [{"pose": POSE}]}, ReadOptions())
    assert (clip.img_shape, clip.keypoint[0, 0, 0].tolist()) == ((128, 256), [64, 16])


def test_pixels_are_not_scaled_again():
    pixels = [{"x": 300.5, "y": 200.0, "z": 0, "visibility": 1}] * 33
    assert only([{"pose": pixels}]).keypoint[0, 0, 0].tolist() == [300.5, 200]


def test_meters_around_the_hip_are_not_scaled():
    meters = [{"x": 0.3 - i / 40, "y": -0.6 + i / 35, "z": 0} for i in range(33)]
    clip = only([{"pose": meters}])
    assert [finding.code for finding in judge_points(clip)][:1] == ["normalized"]


@pytest.mark.parametrize("content", [[{"pose": None}], {"pose_landmarks": [], "left_hand_landmarks": []}])
def test_nothing_detected_means_no_keypoints(content):
    with pytest.raises(NoKeypointsError):
        only(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"pose": POSE[:30]}], r"\[0\]\.pose\[0\] has 30 landmarks: MediaPipe's pose has 33"),
        ([{"pose": POSE, "hands": [HAND]}], "other parts and hands without a side: call them left_hand and right"),
        ([{"frame": 3, "pose": POSE}, {"frame": 2, "pose": POSE}], r"\[1\] is frame 2 after 3: frames must be in the"),
        ([{"pose": [*POSE[:32], {"x": 1}]}], r"pose\[0\]\[32\] must be an object with x and y"),
        ([{"pose": [*POSE[:32], {"x": "a", "y": 1}]}], r'pose\[0\]\[32\]\[0\] is "a": it must be a number'),
        (
            [{"face": landmarks(468, 0.1)}, {"face": landmarks(478, 0.1)}],
            r"\[1\]\.face\[0\] has 478 landmarks: MediaPipe's face has 468",
        ),
    ],
)
def test_other_content_is_refused(content, said):
    with pytest.raises(PoseError, match=said):
        only(content)


def test_img_shape_is_required():
    with pytest.raises(PoseError, match="img_shape is missing"):
        only([{"pose": POSE}], ReadOptions())


@pytest.mark.parametrize("content", [{"face": 3, "hand": 5}, {"pose": "x"}, [{"landmarks": [1, 2]}], {"frames": []}])
def test_other_objects_with_such_keys_are_not_taken_for_landmarks(content):
    with pytest.raises(PoseError, match="JSON of an unknown format"):
        only(content)
