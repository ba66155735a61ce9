"""Files of trackers end to end: the same points through the service, a build and the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import heatsvc
from tests.api.client import Client
from tests.cases.datasets import build_dataset
from tests.pose.readers.test_deeplabcut import MISSING, TRACKERS, expected
from tests.pose.readers.test_parquet import ISLR, expected_islr

POINTS = [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget"}]
FILES = {"two.csv": 2, "two_table.h5": 2, "one_fixed.h5": 1, "sleap.analysis.h5": 2}


def peaks(volume: np.ndarray) -> list[list[tuple[int, int]]]:
    """For each frame the pixels (x, y) of value 0.5 or more, channel by channel."""
    return [[(int(x), int(y)) for channel in frame for y, x in np.argwhere(channel >= 0.5)] for frame in volume]


@pytest.mark.parametrize("file", FILES)
def test_the_service_renders_each_point_where_the_file_has_it(client: Client, file: str) -> None:
    options = {"img_shape": [80, 100], "pipeline": POINTS}
    volume = client.post_files({file: (TRACKERS / file).read_bytes()}, options).array()
    keypoint, score = expected(FILES[file], MISSING if FILES[file] == 2 else ())
    assert volume.shape == (4, 3, 80, 100)
    for t in range(4):
        at = [tuple(map(int, keypoint[m, t, v])) for v in range(3) for m in range(FILES[file]) if score[m, t, v]]
        assert sorted(peaks(volume)[t]) == sorted(at)


def test_the_service_renders_google_islr(client: Client) -> None:
    options = {"img_shape": [500, 1000], "pipeline": POINTS, "select": "mediapipe_holistic_75"}
    volume = client.post_files({"100015657.parquet": ISLR.read_bytes()}, options).array()
    keypoint, score = expected_islr()
    # pose, left hand, right hand; in the file: face, left hand, pose, right hand.
    order = [*range(489, 522), *range(468, 489), *range(522, 543)]
    for t in range(3):
        at = [tuple(map(int, keypoint[t, v].round())) for v in order if score[t, v]]
        assert peaks(volume)[t] == at


def test_a_folder_of_a_tracker_is_a_dataset(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for file in ("two.csv", "two_table.h5", "sleap.analysis.h5"):
        (folder / file).write_bytes((TRACKERS / file).read_bytes())
    made = build_dataset(tmp_path, {"two_table": "a", "sleap.analysis": "b"}, folder)
    for keypoint in made.keypoint.values():
        np.testing.assert_array_equal(keypoint, expected(2, MISSING)[0])
    assert len(made.keypoint) == 2


def test_a_table_that_is_sent_as_keypoints_is_read_as_such(tmp_path: Path) -> None:
    made = build_dataset(tmp_path, {"two": "a"}, {"two.csv": (TRACKERS / "two.csv").read_bytes()})
    np.testing.assert_array_equal(made.keypoint["two"], expected(2, MISSING)[0])


def test_points_are_selected_by_their_names() -> None:
    [clip] = heatsvc.read(TRACKERS / "sleap.analysis.h5", img_shape=(80, 100))
    with pytest.warns(UserWarning, match=r"of the 17 points of coco17 are not in custom"):
        volume = heatsvc.draw(clip, POINTS, select="coco17")
    # coco17: nose, left_eye, right_eye, left_ear, right_ear, ...
    assert [k for k in range(17) if volume[0, k].any()] == [0, 3, 4]
