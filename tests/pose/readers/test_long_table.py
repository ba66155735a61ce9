"""Tables of landmarks in CSV, a row for each landmark."""

import numpy as np
import pytest

from heatsvc.pose import PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import table

OPTIONS = ReadOptions(img_shape=(512, 1024))
PARTS = (("face", 468), ("left_hand", 21), ("pose", 33), ("right_hand", 21))
COLUMNS = ["frame", "row_id", "type", "landmark_index", "x", "y", "z"]


def test_parts_are_put_in_the_order_of_their_layout():
    rows = [
        [t, f"{t}-{part}-{i}", part, i, k / 64 + i / 1024, t / 64, -0.5]
        for t in (20, 21, 23)
        for k, (part, count) in enumerate(PARTS, 1)
        for i in range(count)
    ]
    [clip] = read(table(COLUMNS, rows), filename="1001.csv", options=OPTIONS)
    assert (clip.layout.name, clip.frame_dir, clip.frames) == ("mediapipe_holistic", "1001", 4)
    right = {(part, i): (k / 64 + i / 1024) * 1024 for k, (part, count) in enumerate(PARTS, 1) for i in range(count)}
    for start, part in ((0, "pose"), (33, "face"), (501, "left_hand"), (522, "right_hand")):
        for i in (0, 20):
            assert clip.keypoint[0, 0, start + i].tolist() == [right[part, i], 160]
    assert clip.keypoint_score[0, :, 0].tolist() == [1, 1, 0, 1]


def test_cells_may_be_missing():
    rows = [[0, "", part, i, "" if i % 2 else 0.5, "" if i % 2 else 0.5, 0] for part in ("pose",) for i in range(33)]
    [clip] = read(table(COLUMNS, rows), options=OPTIONS)
    assert np.isnan(clip.keypoint[0, 0, :4, 0]).tolist() == [False, True, False, True]


def test_names_scores_persons_and_videos():
    names = ("NOSE", "LEFT_WRIST", "RIGHT_WRIST")
    rows = [
        [video, t, person, name, 0.25 * person, 0.25, 0.5]
        for video in ("a", "b")
        for t in (0, 1)
        for person in (1, 2)
        for name in names
    ]
    data = table(["video", "frame", "person_id", "landmark_name", "x", "y", "visibility"], rows)
    clips = read(data, options=OPTIONS)
    assert [clip.frame_dir for clip in clips] == ["a", "b"]
    assert clips[0].layout.points == ("nose", "left_wrist", "right_wrist")
    assert clips[0].keypoint[:, :, 0, 0].tolist() == [[256, 256], [512, 512]]
    assert (clips[0].keypoint_score == 0.5).all()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([0, "", "pose", 1, 0.5, 0.5, 0], "line 3 is a second 'pose_1' of frame 0: add a column `person`"),
        ([0, "", "body", "01", 0.5, 0.5, 0], "'body_01' is a second name of a landmark in the table"),
        (["", "", "pose", 1, 0.5, 0.5, 0], "line 3: the frame must be a whole number"),
        ([1, "", "pose", 1, "a", 0.5, 0], "line 3: 'a' is not a number"),
        ([1, "", "pose"], "line 3 has 3 cells: it must have at least 6"),
        ([1, "", "pose", 1, "1e300", 0.5, 0], "is infinite"),
    ],
)
def test_other_rows_are_refused(row, said):
    with pytest.raises(PoseError, match=said):
        read(table(COLUMNS, [[0, "", "pose", 1, 0.5, 0.5, 0], row]), options=OPTIONS)
