"""DeepLabCut's CSV: a column for each number of each body part, of one or several individuals."""

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import InputError, LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import DATA, HD

TRACKERS = DATA / "trackers"
POINTS = ("nose", "left_ear", "right_ear")


def expected(persons: int, missing=()) -> tuple[np.ndarray, np.ndarray]:
    """What the files of `trackers` hold, by the formula in tests/data/README.md: [M, 4, 3, 2] and [M, 4, 3]."""
    keypoint, score = np.zeros((persons, 4, 3, 2), np.float32), np.zeros((persons, 4, 3), np.float32)
    for m, t, v in np.ndindex(persons, 4, 3):
        if (m, t, v) not in missing:
            keypoint[m, t, v] = 10 + 40 * m + 7 * v + t, 20 + 30 * m + 5 * v + 2 * t
            score[m, t, v] = round(0.9 - 0.1 * m - 0.05 * v - 0.01 * t, 4)
    return keypoint, score


# The second individual in frame 1, and the left ear of the first in frame 2.
MISSING = {(1, 1, 0), (1, 1, 1), (1, 1, 2), (0, 2, 1)}


def table(*rows: str) -> bytes:
    return "\n".join(rows).encode()


def test_one_individual():
    [clip] = read((TRACKERS / "one.csv").read_bytes(), filename="videos/one.csv", options=HD)
    keypoint, score = expected(1)
    np.testing.assert_array_equal(clip.keypoint, keypoint)
    np.testing.assert_array_equal(clip.keypoint_score, score)
    assert clip.layout.points == POINTS
    assert clip.frame_dir == "one"


def test_several_individuals_are_persons_and_empty_cells_are_not_detected():
    [clip] = read((TRACKERS / "two.csv").read_bytes(), options=HD)
    keypoint, score = expected(2, MISSING)
    np.testing.assert_array_equal(clip.keypoint, keypoint)
    np.testing.assert_array_equal(clip.keypoint_score, score)


def test_points_of_one_individual_only_are_missing_in_the_others():
    data = table(
        "scorer,a,a,a,a,a,a,a,a",
        "individuals,i1,i1,i1,i1,single,single,single,single",
        "bodyparts,nose,nose,tail,tail,corner,corner,nose,nose",
        "coords,x,y,x,y,x,y,x,y",
        "0,1,2,3,4,5,6,7,8",
    )
    [clip] = read(data, options=HD)
    assert clip.layout.points == ("nose", "tail", "corner")
    assert clip.keypoint[:, 0].tolist() == [[[1, 2], [3, 4], [0, 0]], [[7, 8], [0, 0], [5, 6]]]
    assert clip.keypoint_score[:, 0].tolist() == [[1, 1, 0], [1, 0, 1]]


def test_points_labeled_by_hand_have_score_1_and_three_columns_of_names():
    data = table(
        "scorer,,,anna,anna,anna,anna",
        "bodyparts,,,nose,nose,left_ear,left_ear",
        "coords,,,x,y,x,y",
        "labeled-data,video,img007.png,1.5,2.5,,",
    )
    [clip] = read(data, options=HD)
    assert clip.keypoint[0, 0].tolist() == [[1.5, 2.5], [0, 0]]
    assert clip.keypoint_score[0, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ("scorer,a,a", "coords,x,y", "0,1,2"),
            "the first column of the table is 'scorer', 'coords': a table of DeepLab",
        ),
        (("scorer,a,a", "bodyparts,n,n", "0,1,2"), "the first column of the table is 'scorer', 'bodyparts', '0'"),
        (("scorer,a,a", "bodyparts,n", "coords,x,y", "0,1,2"), "have different lengths"),
        (("scorer,a,a", "bodyparts,n,n", "coords,x,y", "0,1"), "a row has 2 cells, but the rows of names have 3"),
        (("scorer,a,a", "bodyparts,n,n", "coords,x,y", "0,1,b"), "a cell of the table is not a number: .*'b'"),
        (("scorer,a,a", "bodyparts,n,n", "coords,x,z", "0,1,2"), r"a column \['a', 'n', 'z'\]"),
        (
            ("scorer,a,a", "bodyparts,n,n", "coords,x,x", "0,1,2"),
            "two columns x of 'n': keep the columns of one scorer",
        ),
        (("scorer,a,b", "bodyparts,n,n", "coords,x,y", "0,1,2"), "2 scorers: keep the columns of one"),
        (("scorer,a,a", "bodyparts,n,n", "coords,x,likelihood", "0,1,1"), "no column y of 'n'"),
        (('scorer,"a', "b"), "cannot be read as CSV in UTF-8"),
    ],
)
def test_other_tables_are_refused_with_what_is_wrong(rows, said):
    with pytest.raises(PoseError, match=said):
        read(table(*rows), options=HD)


def test_a_table_without_rows_has_no_keypoints():
    with pytest.raises(NoKeypointsError, match="the table has no frames"):
        read(table("scorer,a,a", "bodyparts,n,n", "coords,x,y"), options=HD)


def test_tables_are_held_to_the_bounds():
    data = (TRACKERS / "two.csv").read_bytes()
    for bound, said in (
        ({"max_input_values": 40}, "cells are too many"),
        ({"max_frames": 3}, "4 frames are too many"),
        ({"max_persons": 1}, "2 persons are too many"),
        ({"max_keypoints": 2}, "3 keypoints are too many"),
        ({"max_unpacked_bytes": 200}, "bytes of keypoints are too many"),
    ):
        with pytest.raises(LimitError, match=said):
            read(data, options=ReadOptions((480, 640), bounds=Bounds(**bound)))


def test_whatever_the_bytes_only_input_errors_are_raised():
    data = (TRACKERS / "two.csv").read_bytes()
    rng = np.random.default_rng(0)
    bent = [data[:length] for length in range(0, len(data), 7)]
    for _ in range(500):
        flipped = bytearray(data)
        flipped[rng.integers(len(data))] = rng.choice([*b'",\n\r\0xe9.', 0xFF])
        bent.append(bytes(flipped))
    read_or_refused = 0
    for each in bent:
        try:
            read_or_refused += len(read(each, options=HD))
        except InputError as error:
            read_or_refused += bool(error.detail)
    assert read_or_refused == len(bent)
