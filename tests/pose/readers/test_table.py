"""Tables of points in CSV, a row for each frame."""

import csv
import io

import numpy as np
import pytest

from heatsvc.errors import InputError, LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import HD, table

OPTIONS = ReadOptions(img_shape=(512, 1024))


def columns(name: str, points, axes: str = "xy") -> list[str]:
    """Names of columns, where ``#`` stands for the point and ``@`` for the axis."""
    return [name.replace("#", str(point)).replace("@", axis) for point in points for axis in axes]


def numbers(points: int, axes: int = 2, x: float = 0.25) -> list[float]:
    return [x + i / 1024 for i in range(points * axes)]


@pytest.mark.parametrize(
    ("name", "points", "layout"),
    [
        ("@#", range(33), "mediapipe_pose33"),
        ("@#", range(1, 34), "mediapipe_pose33"),
        ("@_#", range(33), "mediapipe_pose33"),
        ("pose_#_@", range(33), "mediapipe_pose33"),
        ("@_pose_#", range(33), "mediapipe_pose33"),
        ("landmark_#_@", range(33), "mediapipe_pose33"),
        ("lm_#_@", range(33), "mediapipe_pose33"),
        ("Landmark_#_@", range(21), "hand21"),
        ("#_@", range(17), "coco17"),
        ("#_@", ["pose_0", *(f"left_hand_{i}" for i in range(21)), *(f"right_hand_{i}" for i in range(21))], "custom"),
        (
            "@_#",
            [f"{part}_{i}" for part, n in (("pose", 33), ("left_hand", 21), ("right_hand", 21)) for i in range(n)],
            "mediapipe_holistic_75",
        ),
    ],
)
def test_columns_are_called_in_many_ways(name, points, layout):
    values = numbers(len(points))
    [clip] = read(table(columns(name, points), [values]), filename="v.csv", options=OPTIONS)
    right = np.array(values).reshape(-1, 2) * (1024, 512)
    assert clip.keypoint[0, 0].tolist() == pytest.approx(right)
    assert (clip.layout.name, clip.frame_dir) == (layout, "v")


def test_positions_are_those_of_an_independent_reading():
    header = ["frame", *columns("left_hand_#_@", range(21), "xyz"), *columns("pose_#_@", range(33), "xyzv")]
    rows = [[t, *numbers(21, 3, 0.1 + t / 10), *numbers(33, 4, 0.2 + t / 10)] for t in range(3)]
    data = table(header, rows)
    [clip] = read(data, options=OPTIONS)
    for t, row in enumerate(csv.DictReader(io.StringIO(data.decode()))):
        for i in (0, 20):
            x, y = float(row[f"left_hand_{i}_x"]) * 1024, float(row[f"left_hand_{i}_y"]) * 512
            assert clip.keypoint[0, t, clip.layout.points.index(f"left_hand_{i}")].tolist() == pytest.approx([x, y])
        assert clip.keypoint_score[0, t, 0] == pytest.approx(float(row["pose_0_v"]))
    assert clip.layout.points[0] == "nose"


@pytest.mark.parametrize(("numbers_", "first"), [(range(1, 22), "left_hand_0"), (range(1, 21), "left_hand_1")])
def test_points_of_a_part_count_from_0_or_1(numbers_, first):
    [clip] = read(table(columns("left_hand_#_@", numbers_), [numbers(len(numbers_))]), options=OPTIONS)
    assert clip.layout.points[0] == first


def test_names_of_points_are_known():
    names = ["NOSE", "LEFT_SHOULDER", "RIGHT_SHOULDER", "left_hand_0"]
    [clip] = read(table(columns("#_@", names), [numbers(4)]), options=OPTIONS)
    assert clip.layout.points == ("nose", "left_shoulder", "right_shoulder", "left_hand_0")


def test_pixels_are_left_as_they_are():
    [clip] = read(table(columns("@#", range(33)), [[300.0, 200.0] * 33]), options=HD)
    assert clip.keypoint[0, 0, 0].tolist() == [300, 200]


def test_cells_may_be_missing():
    rows = [[0.5, 0.5, "", "", "nan", "NaN", 0.0, 0.0]]
    [clip] = read(table(columns("point#_@", range(4)), rows), options=OPTIONS)
    assert np.isnan(clip.keypoint[0, 0, :, 0]).tolist() == [False, True, True, False]
    assert clip.keypoint_score[0, 0].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(separator):
    data = table(columns("@#", range(33)), [numbers(33), []], separator)
    assert read(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"), options=OPTIONS)[0].frames == 1


def test_frames_that_are_left_out_have_no_persons_and_equal_ones_several():
    rows = [[t, *numbers(3, x=x)] for t, x in ((1, 0.25), (2, 0.5), (2, 0.75), (4, 0.5), (5, 0.25))]
    [clip] = read(table(["frame", *columns("@#", range(3))], rows), options=OPTIONS)
    assert clip.keypoint[..., 0, 0].tolist() == [[256, 512, 0, 512, 256], [0, 768, 0, 0, 0]]


def test_a_column_of_videos_makes_clips():
    rows = [[video, *numbers(3, x=x)] for video, x in (("a", 0.25), ("a", 0.5), ("b", 0.75), ("b", 0.5))]
    clips = read(table(["video_name", *columns("@#", range(3))], rows), options=OPTIONS)
    assert {clip.frame_dir: clip.keypoint[0, :, 0, 0].tolist() for clip in clips} == {"a": [256, 512], "b": [768, 512]}


def test_a_column_of_images_is_one_clip():
    rows = [[f"img{t}.png", *numbers(3)] for t in range(4)]
    [clip] = read(table(["file_name", *columns("@#", range(3))], rows), options=OPTIONS)
    assert clip.frames == 4


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (
            ["class"],
            [["a", *numbers(3)], ["b", *numbers(3)]],
            "the rows of the table have 2 classes, so they are not frames of one video",
        ),
        (["frame"], [[2, *numbers(3)], [1, *numbers(3)]], "line 3 is frame 1 after 2: frames must be in the video's"),
        (["frame"], [["inf", *numbers(3)]], "line 2: the frame must be a whole number, not 'inf'"),
        (["frame"], [["a", *numbers(3)]], "line 2: the frame must be a whole number, not 'a'"),
        (
            ["frame"],
            [[1, "x", *numbers(3)]],
            "line 2, column 2: 'x' is not a number; leave the cell empty for 'not detected'",
        ),
        (["frame"], [[1, *numbers(2)]], "line 2 has 5 cells: it must have at least 7"),
        (["frame"], [[1, *["inf"] * 6]], "is infinite"),
    ],
)
def test_other_rows_are_refused(header, rows, said):
    with pytest.raises(PoseError, match=said):
        read(table([*header, *columns("@#", range(3))], rows), options=OPTIONS)


def test_a_table_of_no_rows_has_no_keypoints():
    with pytest.raises(NoKeypointsError, match="the table has no rows"):
        read(table(columns("@#", range(3)), []), options=OPTIONS)


def test_25_points_without_names_are_asked_for():
    with pytest.raises(InputError, match="25 points without names may be openpose25"):
        read(table(columns("@#", range(25)), [numbers(25)]), options=OPTIONS)


@pytest.mark.parametrize(
    "data", [b"name,label\nv1,hello\n", b"x,y\n1,2\n", b"video,x1,y1,x2,y2\nv,1,2,3,4\n", b"a 1\nb 2\n"]
)
def test_other_tables_are_not_taken_for_points(data):
    with pytest.raises(PoseError, match=r"(has an unknown format|is a table, which has no keypoints)"):
        read(data, filename="labels.csv", options=OPTIONS)


def test_cells_are_counted_before_they_are_read():
    from heatsvc.bounds import Bounds

    data = table(columns("@#", range(33)), [numbers(33)] * 20)
    with pytest.raises(LimitError, match="cells are too many"):
        read(data, options=ReadOptions(img_shape=(4, 4), bounds=Bounds(max_input_values=1000)))
