"""Results of Ultralytics' pose models: labels in text, and JSON."""

import numpy as np
import pytest

from heatsvc.errors import LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import HD, text, yolo_line, yolo_person, zipped

OPTIONS = ReadOptions(img_shape=(512, 1024))


def test_labels_are_scaled_to_the_image():
    data = yolo_line(17, 0.25) + yolo_line(17, 0.5)
    [clip] = read(data, filename="v_1.txt", options=OPTIONS)
    lines = [list(map(float, line.split()[5:])) for line in data.decode().splitlines()]
    right = np.array(lines, np.float32).reshape(2, 17, 3)
    assert clip.keypoint[:, 0].tolist() == (right[..., :2] * np.array((1024, 512), np.float32)).tolist()
    assert clip.keypoint_score[:, 0].tolist() == right[..., 2].tolist()
    assert (clip.layout.name, clip.frame_dir) == ("coco17", "v_1")


@pytest.mark.parametrize(
    ("line", "points"),
    [
        (yolo_line(17, 0.25, width=2), 17),
        (yolo_line(17, 0.25, 0.875), 17),
        (yolo_line(17, 0.25, 0.875, 3), 17),
        (yolo_line(17, 0.25, 0.875, width=2), 17),
        (yolo_line(21, 0.25), 21),
        (yolo_line(21, 0.25, 0.875), 21),
        (yolo_line(14, 0.25), 14),
        (yolo_line(4, 0.25, width=3), 4),
    ],
)
def test_the_number_of_keypoints_is_known_by_the_length_of_a_line(line, points):
    [clip] = read(line, options=OPTIONS)
    assert clip.points == points
    assert clip.keypoint[0, 0, :2].tolist() == [[256, 64], [257, 64.5]]


def test_labels_of_a_video_are_a_clip_with_gaps_where_nobody_was_seen():
    files = {f"labels/walk_{t}.txt": yolo_line(17, t / 16) for t in (1, 2, 4, 10)}
    [clip] = read(zipped(files), filename="predict.zip", options=OPTIONS)
    assert clip.keypoint[0, :, 0, 0].tolist() == [64, 128, 256, 640]
    assert clip.frame_dir == "walk"
    files.pop("labels/walk_10.txt")
    assert read(zipped(files), options=OPTIONS)[0].keypoint[0, :, 0, 0].tolist() == [64, 128, 0, 256]


def test_two_videos_in_an_archive_are_two_clips():
    files = {f"{video}_{t}.txt": yolo_line(17, x) for video, x in (("a", 0.25), ("b", 0.5)) for t in (1, 2, 3)}
    clips = read(zipped(files), options=OPTIONS)
    assert {clip.frame_dir: clip.keypoint[0, :, 0, 0].tolist() for clip in clips} == {"a": [256] * 3, "b": [512] * 3}


def test_a_tracked_person_keeps_a_row():
    lines = {
        "v_1.txt": yolo_line(17, 0.25, 0.9, 1) + yolo_line(17, 0.5, 0.8, 2),
        "v_2.txt": yolo_line(17, 0.5, 0.9, 2) + yolo_line(17, 0.25, 0.8, 1),
    }
    [clip] = read(zipped(lines), options=OPTIONS)
    assert clip.keypoint[:, :, 0, 0].tolist() == [[256, 256], [512, 512]]


def test_a_number_that_is_no_trackers_keeps_the_order_of_lines():
    for last in (0.5, 2.5, float("inf")):
        [clip] = read(yolo_line(17, 0.5, 0.9, last) + yolo_line(17, 0.25, 0.9, 1), options=OPTIONS)
        assert clip.keypoint[:, 0, 0, 0].tolist() == [512, 256]


def test_visibility_flags_are_no_scores_and_zeros_not_detected():
    points = b"0.5 0.5 2 0.25 0.25 1 0 0 0 " * 4
    [clip] = read(b"0 0.5 0.5 0.5 0.5 " + points, options=OPTIONS)
    assert clip.keypoint_score[0, 0, :3].tolist() == [1, 1, 0]
    [clip] = read(b"0 0.5 0.5 0.5 0.5 " + b"0.5 0.5 0.0 0.0 " * 4, options=OPTIONS)
    assert clip.keypoint_score[0, 0, :2].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            yolo_line(17, 0.25) + b"a b c\n",
            "line 2 is not a person of a pose model, which is class, box and normalized keypoints",
        ),
        (yolo_line(17, 0.25) + b"0 0.9 0.9 0.9 0.9 " + b"0.5 " * 51, "line 2 is not a person of a pose model"),
        (
            yolo_line(17, 0.25) + yolo_line(21, 0.25),
            "line 2 has 68 numbers, line 1 of '' has 56: a clip must come from",
        ),
        (b"0 0.5 0.5 0.25 0.25\n", "has an unknown format"),
        (b"1 0.9 0.1 0.9 0.9 0.8 0.9 0.1 0.8 0.2 0.2 0.3 0.3\n", "has an unknown format"),
        (yolo_line(17, 0.25).replace(b"0.25 0.125", b"inf 0.125"), "is infinite"),
    ],
)
def test_other_texts_are_refused(data, said):
    with pytest.raises(PoseError, match=said):
        read(data, options=OPTIONS)


def test_a_crowd_is_refused_before_allocation():
    with pytest.raises(LimitError, match="65 persons are too many"):
        read(yolo_line(17, 0.25) * 65, options=OPTIONS)


@pytest.mark.parametrize("wrap", [lambda persons: persons, lambda persons: [persons], lambda p: {"results": p}])
def test_json_of_an_image(wrap):
    [clip] = read(text(wrap([yolo_person(17, 30.0), yolo_person(17, 40.0)])), filename="v.json", options=HD)
    assert clip.keypoint[:, 0, [0, 16]].tolist() == [[[30, 31], [46, 47]], [[40, 41], [56, 57]]]
    assert (clip.keypoint_score == 0.5).all()
    assert (clip.layout.name, clip.frame_dir) == ("coco17", "v")


def test_json_of_a_video():
    [clip] = read(text([[], [yolo_person(17, 30.0)], [], [yolo_person(17, 40.0)]]), options=HD)
    assert clip.keypoint[0, :, 0, 0].tolist() == [0, 30, 0, 40]


def test_json_of_images_in_files_of_their_own():
    files = {f"out/f{t}.json": text([yolo_person(17, x)] if x else []) for t, x in ((1, 30), (2, 0), (10, 40))}
    [clip] = read(zipped(files), options=HD)
    assert clip.keypoint[0, :, 0, 0].tolist() == [30, 0, 40]


def test_json_with_tracks():
    video = [
        [yolo_person(17, 30.0, track_id=1), yolo_person(17, 40.0, track_id=2)],
        [yolo_person(17, 41.0, track_id=2), yolo_person(17, 31.0, track_id=1)],
    ]
    [clip] = read(text(video), options=HD)
    assert clip.keypoint[:, :, 0, 0].tolist() == [[30, 31], [40, 41]]


def test_json_in_0_to_1_of_the_frame():
    keypoints = {"x": [0.5] * 17, "y": [0.25] * 16 + [0.0], "visible": None}
    person = {"box": {"x1": 0.1, "y1": 0.2, "x2": 0.9, "y2": 1.0}, "keypoints": keypoints}
    [clip] = read(text([person]), options=OPTIONS)
    assert clip.keypoint[0, 0, 0].tolist() == [512, 128]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([yolo_person(17, 1.0), {"name": "dog"}], r"\[1\] must be a person with keypoints, an object of lists x and y"),
        (
            [[yolo_person(17, 1.0)], [yolo_person(16, 1.0)]],
            r"\[1\]\[0\]\.keypoints\.x must be 17 numbers, like the others",
        ),
        ([{"keypoints": {"x": [1, 2], "y": [1, "2"]}}], r'\[0\]\.keypoints\.y\[1\] is "2": it must be a number'),
    ],
)
def test_other_json_is_refused(content, said):
    with pytest.raises(PoseError, match=said):
        read(text(content), options=HD)


def test_no_person_in_any_frame_means_no_keypoints():
    files = {"f1.json": text([yolo_person(17, 1.0)]), "f2.json": text([])}
    assert read(zipped(files), options=HD)[0].frames == 2
    with pytest.raises(NoKeypointsError):
        read(zipped(dict.fromkeys(files, b"[]")), options=HD)
