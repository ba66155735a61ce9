"""Results lists of COCO's evaluation and of AlphaPose: persons by image."""

import json
from pathlib import Path

import numpy as np
import pytest

import heatsvc
from heatsvc.errors import LimitError
from heatsvc.pose import PoseError
from heatsvc.pose.readers import read
from tests.pose.readers.samples import HD, text, triples

FILE = Path(__file__).parents[2] / "data" / "cases" / "11_coco_results" / "alphapose-results.json"


def person(image, x: float, **more) -> dict:
    return {"image_id": image, "category_id": 1, "keypoints": triples(17, x, 0.5), "score": 1.0, **more}


def first_x(clip) -> list[list[float]]:
    """x of the first point: a list of frames for each person."""
    return clip.keypoint[:, :, 0, 0].tolist()


def test_alphaposes_file_is_one_clip_in_the_order_of_its_frames():
    entries = {int(entry["image_id"].split(".")[0]): entry["keypoints"] for entry in json.loads(FILE.read_text())}
    [clip] = heatsvc.read(FILE, img_shape=(400, 600))
    right = np.array([entries[t] for t in range(70)], np.float32).reshape(70, 17, 3)
    assert (clip.persons, clip.frames, clip.layout.name) == (1, 70, "coco17")
    assert (clip.keypoint[0] == right[..., :2]).all()
    assert (clip.keypoint_score[0] == right[..., 2]).all()


def test_persons_are_put_together_by_image_in_the_order_of_the_numbers():
    entries = [person(f"{t}.jpg", x) for t, x in ((10, 1), (9, 2), (11, 3), (9, 4))]
    [clip] = read(text(entries), filename="alphapose-results.json", options=HD)
    assert first_x(clip) == [[2, 1, 3], [4, 0, 0]]
    assert clip.frame_dir == "alphapose-results"


def test_images_may_have_numbers_as_ids():
    assert first_x(read(text([person(12, 1), person(11, 2)]), options=HD)[0]) == [[2, 1]]


def test_frames_without_persons_are_kept_where_most_images_follow_one_another():
    [clip] = read(text([person(f"img_{t:05d}.png", t) for t in (3, 4, 5, 7)]), options=HD)
    assert first_x(clip) == [[3, 4, 5, 0, 7]]
    assert clip.keypoint_score[0, :, 0].tolist() == [0.5, 0.5, 0.5, 0, 0.5]


@pytest.mark.parametrize("numbers", [(139, 285, 632), (0, 5, 10), (0, 1, 2, 1000), (0, 1, 2, 9)])
def test_numbers_that_are_far_apart_follow_one_another(numbers):
    [clip] = read(text([person(t, t + 1) for t in numbers]), options=HD)
    assert first_x(clip) == [[t + 1 for t in numbers]]


def test_images_without_numbers_are_in_the_order_of_the_file():
    assert first_x(read(text([person("b.jpg", 1), person("a.jpg", 2), person("b.jpg", 3)]), options=HD)[0]) == [
        [1, 2],
        [3, 0],
    ]


def test_images_of_two_videos_are_two_clips():
    entries = [person(f"{video}_{t}.jpg", x) for video, t, x in (("a", 1, 1), ("b", 1, 2), ("b", 2, 3), ("a", 2, 4))]
    clips = read(text(entries), options=HD)
    assert {clip.frame_dir: first_x(clip) for clip in clips} == {"a": [[1, 4]], "b": [[2, 3]]}


@pytest.mark.parametrize("idx", [int, lambda i: [float(i)], lambda i: [[float(i)]]])
def test_a_tracked_person_keeps_a_row(idx):
    seen = [(0, 7, 1), (0, 3, 2), (1, 3, 3), (1, 7, 4), (2, 3, 5)]
    [clip] = read(text([person(f"{t}.jpg", x, idx=idx(i)) for t, i, x in seen]), options=HD)
    assert first_x(clip) == [[1, 4, 0], [2, 3, 5]]


def test_a_row_is_used_again_once_its_person_has_left():
    seen = [(0, 1, 1), (1, 2, 2), (1, 3, 3), (2, 3, 4), (3, 9, 5)]
    [clip] = read(text([person(f"{t}.jpg", x, idx=i) for t, i, x in seen]), options=HD)
    assert first_x(clip) == [[1, 2, 0, 5], [0, 3, 4, 0]]


def test_without_tracks_the_highest_score_comes_first():
    """AlphaPose without a tracker writes idx 0 for everybody."""
    seen = [(0, 0.5, 1), (0, 2.5, 2), (1, 0.1, 3), (1, 0.2, 4)]
    [clip] = read(text([person(f"{t}.jpg", x, score=score, idx=[0.0]) for t, score, x in seen]), options=HD)
    assert first_x(clip) == [[2, 4], [1, 3]]


@pytest.mark.parametrize(
    ("points", "layout"), [(17, "coco17"), (26, "halpe26"), (133, "coco_wholebody"), (136, "halpe136")]
)
def test_the_points_are_known_by_their_number(points, layout):
    [clip] = read(text([{"image_id": "0.jpg", "keypoints": triples(points, 1.0)}]), options=HD)
    assert clip.layout.name == layout


@pytest.mark.parametrize(
    "image",
    [
        lambda x: {"version": "AlphaPose v0.3", "bodies": [{"joints": triples(18, x)}]},
        lambda x: {"version": "AlphaPose v0.3", "people": [{"pose_keypoints_2d": triples(18, x)}]},
    ],
    ids=["cmu", "open"],
)
def test_alphaposes_other_forms_are_read(image):
    [clip] = read(text({"10.jpg": image(1.0), "9.jpg": image(2.0)}), options=HD)
    assert clip.layout.name == "openpose18"
    assert first_x(clip) == [[2, 1]]
    assert clip.keypoint[0, 1, 17].tolist() == [18, 19]


def test_visibility_flags_are_no_scores():
    [clip] = read(text([{"image_id": 1, "keypoints": [5, 6, 2, 7, 8, 1, 0, 0, 0]}]), options=HD)
    assert clip.keypoint_score[0, 0].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([person(1, 1), {"keypoints": []}], r"\[1\] must be an object with image_id and keypoints"),
        ([person(1, 1), person(1.5, 1)], r"\[1\]\.image_id must be the name of an image, or its number"),
        ([person(1, 1), {"image_id": 2, "keypoints": [1, 2, 3]}], r"\[1\]\.keypoints has 1 points, but others have 17"),
        (
            [{"image_id": 2, "keypoints": [1, 2, 3, 4]}],
            r"must be one flat list of x, y, score of each point, not \[4\]",
        ),
        ([{"image_id": 2, "keypoints": [1, 2, "3"]}], r'\[0\]\.keypoints\[2\] is "3": it must be a number'),
        ([{"image_id": 2, "keypoints": []}], r"\[0\]\.keypoints is empty"),
        ([person("a1.jpg", 1), person("a01.jpg", 1)], "'a1.jpg' and 'a01.jpg' are both frame 1: remove one"),
        ({"0.jpg": {"bodies": [{}]}}, r"bodies\[0\]\.joints' is missing"),
        ({"0.jpg": {"bodies": []}, "1.jpg": 5}, "'1.jpg' must be an object with a list of bodies or people"),
    ],
)
def test_other_content_is_refused(content, said):
    with pytest.raises(PoseError, match=said):
        read(text(content), options=HD)


def test_img_shape_is_required():
    with pytest.raises(PoseError, match="img_shape is missing"):
        read(text([person(1, 1)]))


def test_a_crowd_is_refused_before_allocation():
    with pytest.raises(LimitError, match="65 persons are too many"):
        read(text([person(1, 1)] * 65), options=HD)


def test_a_gap_is_no_way_to_more_frames():
    with pytest.raises(LimitError, match="10,001 frames are too many"):
        read(text([{"image_id": t, "keypoints": [1, 2, 3]} for t in (*range(9_999), 10_000)]), options=HD)
