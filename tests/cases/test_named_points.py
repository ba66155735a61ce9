"""Points have names, not only numbers: files that name their points, and counts that mean one layout or two."""

import json
from pathlib import Path

import numpy as np
import pytest
from pose_format import Pose

import heatsvc
from heatsvc.pipeline import PipelineError
from heatsvc.pose import LAYOUTS, LayoutError
from heatsvc.pose.findings import PlausibilityWarning
from heatsvc.pose.select import select_points

CASES = Path(__file__).parents[1] / "data" / "cases"
POINTS = [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget"}]
LIMBS = [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget", "with_kp": False, "with_limb": True}]


def peaks(volume: np.ndarray) -> list[tuple[int, int] | None]:
    """For each channel of the first frame the pixel (x, y) of the largest value, None where all are 0."""
    found = []
    for channel in volume[0]:
        y, x = np.unravel_index(channel.argmax(), channel.shape)
        found.append((int(x), int(y)) if channel.any() else None)
    return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_channel_is_the_point_of_its_name_in_every_layout(name):
    layout = LAYOUTS[name]
    where = {point: (3 + 4 * (i % 30), 3 + 4 * (i // 30)) for i, point in enumerate(layout.points)}
    keypoint = np.array([[where[point] for point in layout.points]], float)
    clip = {"keypoint": keypoint, "img_shape": (80, 128), "layout": name}
    assert peaks(heatsvc.draw(clip, POINTS)) == list(where.values())
    for target in LAYOUTS.values():
        if target is not layout and set(target.points) <= set(layout.points):
            selected = heatsvc.draw(clip, POINTS, select=target.name)
            assert peaks(selected) == [where[point] for point in target.points]


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.left])
def test_a_mirrored_copy_exchanges_left_and_right_by_name(name):
    layout = LAYOUTS[name]
    only = layout.points[layout.left[0]]
    score = np.array([[float(point == only) for point in layout.points]])
    clip = {
        "keypoint": np.full((1, len(score[0]), 2), 20.0),
        "keypoint_score": score,
        "img_shape": (48, 64),
        "layout": name,
    }
    volume = heatsvc.draw(clip, [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget", "double": True}])
    assert [layout.points[k] for k in np.flatnonzero(volume[1].max((1, 2)))] == [only.replace("left_", "right_")]


H36M = ["pelvis", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle", "spine"]


@pytest.mark.parametrize("file", ["h36m.json", "mmpose_meta_info_h36m.json"])
def test_coco_and_mmpose_files_are_read_by_the_names_in_them(file):
    [clip] = heatsvc.read(CASES / "06_coco_other_points" / file, img_shape=(400, 600))
    assert clip.layout.points[:8] == tuple(H36M)
    with pytest.warns(PlausibilityWarning, match=r"5 of the 17 points of coco17 are not in custom \(nose"):
        volume = heatsvc.draw(clip, POINTS, select="coco17")
    # The file's points lie on a line: point i at (20 + 30 i, 20 + 20 i).
    at = {point: (20 + 30 * i, 20 + 20 * i) for i, point in enumerate(clip.layout.points)}
    assert peaks(volume) == [at.get(point) for point in LAYOUTS["coco17"].points]
    assert peaks(volume)[0] is None
    with pytest.raises(LayoutError, match=r"coco17 cannot be selected from custom: it lacks 5 points"):
        heatsvc.draw(clip, POINTS, select="coco17", missing_points="error")
    assert (1, 2) in clip.layout.limbs
    assert heatsvc.draw(clip, LIMBS).shape == (1, len(clip.layout.limbs), 400, 600)


def test_the_limbs_of_a_coco_file_are_its_skeleton_which_counts_from_1():
    document = json.loads((CASES / "06_coco_other_points" / "h36m.json").read_bytes())
    document["categories"][0]["skeleton"] = [[1, 2], [2, 3], [10, 11]]
    [clip] = heatsvc.read(json.dumps(document).encode())
    assert clip.layout.limbs == ((0, 1), (1, 2), (9, 10))


@pytest.mark.parametrize(
    ("names", "skeleton"), [(["a" * 101, "b"], [[1, 2]]), (["a", "b"], [[1, 2]] * 4097)], ids=["names", "limbs"]
)
def test_names_and_limbs_are_bounded_since_layouts_are_cached(names, skeleton):
    document = {
        "images": [{"id": 1, "height": 400, "width": 600}],
        "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [20, 30, 2] * 2}],
        "categories": [{"id": 1, "keypoints": names, "skeleton": skeleton}],
    }
    with pytest.raises(LayoutError, match=r"more than 100 letters, or more than 4,096 limbs"):
        heatsvc.read(json.dumps(document).encode())


def test_holistic_without_its_face_is_a_layout_and_has_the_hands():
    path = CASES / "09_pose" / "no_face_75.pose"
    [clip] = heatsvc.read(path)
    assert clip.layout.name == "mediapipe_holistic_75"
    pose = Pose.read(path.read_bytes())
    header, data = pose.header.components, pose.body.data.data
    rows = {
        (part.name, point): i
        for i, (part, point) in enumerate((part, point) for part in header for point in part.points)
    }
    selected = select_points(clip, "sign27")
    for point, part, name in (
        ("left_wrist", "POSE_LANDMARKS", "LEFT_WRIST"),
        ("left_hand_8", "LEFT_HAND_LANDMARKS", "INDEX_FINGER_TIP"),
        ("right_hand_20", "RIGHT_HAND_LANDMARKS", "PINKY_TIP"),
    ):
        index = LAYOUTS["sign27"].index[point]
        np.testing.assert_array_equal(selected.keypoint[0, :, index], data[:, 0, rows[part, name], :2])


@pytest.mark.parametrize(("file", "layout"), [("body25.json", "openpose25"), ("coco18.json", "openpose18")])
def test_openpose_bodies_have_their_own_layouts(file, layout):
    path = CASES / "10_openpose_parts" / file
    [clip] = heatsvc.read(path, img_shape=(400, 600))
    assert clip.layout.name == layout
    body = np.reshape(json.loads(path.read_bytes())["people"][0]["pose_keypoints_2d"], (-1, 3))
    selected = select_points(clip, "coco17")
    # In OpenPose's bodies 0 is the nose, 2 the right shoulder, and 5 the left one.
    np.testing.assert_array_equal(selected.keypoint[0, 0, [0, 6, 5]], np.float32(body[[0, 2, 5], :2]))
    assert len(heatsvc.draw(clip, LIMBS)[0]) == len(LAYOUTS[layout].limbs)


def test_any_mixture_of_openposes_parts_is_a_layout_of_its_own():
    def part(points, at):
        return np.c_[np.full(points, at), np.arange(points), np.ones(points)].ravel().tolist()

    person = {"pose_keypoints_2d": part(18, 1.0), "hand_right_keypoints_2d": part(21, 2.0)}
    [clip] = heatsvc.read(json.dumps({"people": [person]}).encode(), img_shape=(100, 100))
    assert (clip.layout.name, clip.points) == ("custom", 39)
    selected = select_points(clip, "sign27")
    assert selected.keypoint[0, 0, LAYOUTS["sign27"].index["right_hand_8"]].tolist() == [2, 8]
    assert np.isnan(selected.keypoint[0, 0, LAYOUTS["sign27"].index["left_hand_8"]]).all()
    limbs = {(clip.layout.points[a], clip.layout.points[b]) for a, b in clip.layout.limbs}
    assert {("right_wrist", "right_hand_0"), ("neck", "right_shoulder"), ("right_hand_5", "right_hand_6")} <= limbs
    assert {("neck", "left_hip"), ("neck", "right_hip")} <= limbs  # the 18 points have none between the hips


def test_the_two_orders_of_holistics_543_points_are_told_apart_by_name_only():
    path = CASES / "05_islr_face_first_543.npy"
    with pytest.raises(LayoutError, match=r"543 points without names may be mediapipe_holistic .* or islr543"):
        heatsvc.read(path, img_shape=(400, 600))
    [clip] = heatsvc.read(path, img_shape=(400, 600), layout="islr543")
    rows = np.load(path)
    # Google's rows: face 0-467, left hand 468-488, pose 489-521, right hand 522-542.
    selected = select_points(clip, "sign27")
    index = LAYOUTS["sign27"].index
    for point, row in (
        ("nose", 489),
        ("left_shoulder", 489 + 11),
        ("left_hand_4", 468 + 4),
        ("right_hand_20", 522 + 20),
    ):
        np.testing.assert_array_equal(selected.keypoint[0, :, index[point]], rows[:, row, :2])


def test_25_points_without_names_are_bodies_of_two_kinds():
    clip = {"keypoint": np.full((1, 25, 2), 20.0), "img_shape": (48, 64)}
    with pytest.raises(LayoutError, match=r"25 points without names may be openpose25 .* or ntu25") as error:
        heatsvc.draw(clip, POINTS)
    assert error.value.field == "layout"
    assert heatsvc.draw({**clip, "layout": "ntu25"}, LIMBS).shape == (1, 24, 48, 64)


def test_other_counts_are_unknown_and_nothing_is_guessed_of_them():
    clip = {"keypoint": np.full((1, 20, 2), 20.0), "img_shape": (48, 64)}
    assert heatsvc.draw(clip, POINTS).shape == (1, 20, 48, 64)
    with pytest.raises(PipelineError, match="set layout, or skeletons"):
        heatsvc.draw(clip, LIMBS)
    for step in ({"type": "Flip", "flip_ratio": 1.0}, {"type": "GeneratePoseTarget", "double": True}):
        steps = [{"type": "PoseDecode"}, step] if step["type"] == "GeneratePoseTarget" else [step, POINTS[1]]
        with pytest.raises(PipelineError, match="set layout, or left_kp and right_kp"):
            heatsvc.draw(clip, steps)


def test_points_by_position_keep_names_limbs_and_sides():
    clip = {"keypoint": np.arange(34.0).reshape(1, 17, 2), "img_shape": (48, 64)}
    [whole] = [heatsvc.pose.PoseClip.build(clip["keypoint"], img_shape=(48, 64))]
    arm = select_points(whole, [6, 5, 8, 7, 10])
    assert arm.layout.points == ("right_shoulder", "left_shoulder", "right_elbow", "left_elbow", "right_wrist")
    assert arm.layout.limbs == ((1, 3), (0, 2), (2, 4))
    assert (arm.layout.left, arm.layout.right) == ((1, 3), (0, 2))
    assert select_points(whole, [6, 5, 8, 7, 10]).layout is arm.layout
    assert select_points(arm, "coco17").keypoint[0, 0, 10].tolist() == [20, 21]
    assert select_points(whole, [0, 0]).layout is None


def test_nothing_in_common_is_an_error_whatever_missing_points_says():
    clip = heatsvc.pose.PoseClip.build(np.ones((1, 21, 2)), img_shape=(48, 64))
    with pytest.raises(LayoutError, match="coco17 cannot be selected from hand21: it lacks 17 points"):
        select_points(clip, "coco17")
