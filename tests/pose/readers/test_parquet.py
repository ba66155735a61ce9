"""Parquet files of landmarks: points by type and index, bounded before they are put together."""

import io
import random

import arro3.core
import arro3.io
import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import InputError, LimitError
from heatsvc.pose import NoKeypointsError, PoseError, get_layout
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import DATA

ISLR = DATA / "trackers" / "islr.parquet"
FRAME = ReadOptions(img_shape=(500, 1000))
TYPES = {"face": 468, "left_hand": 21, "pose": 33, "right_hand": 21}


def expected_islr() -> tuple[np.ndarray, np.ndarray]:
    """Pixels [3, 543, 2] and scores by the formula in tests/data/README.md."""
    keypoint, score = np.zeros((3, 543, 2)), np.ones((3, 543))
    for t in range(3):
        v = 0
        for n, (kind, count) in enumerate(TYPES.items(), 1):
            for i in range(count):
                if kind == "left_hand" and t != 1:
                    score[t, v] = 0
                else:
                    keypoint[t, v] = 100 * n + i % 60 + t, 50 * n + i // 60 + 2 * t
                v += 1
    return keypoint, score


def parquet(rows, names=("frame", "type", "landmark_index", "x", "y"), **options) -> bytes:
    """A file of rows (frame, type, landmark_index, x, y)."""
    kinds = {
        "frame": arro3.core.DataType.int16(),
        "type": arro3.core.DataType.utf8(),
        "landmark_index": arro3.core.DataType.int16(),
        "x": arro3.core.DataType.float64(),
        "y": arro3.core.DataType.float64(),
        "text": arro3.core.DataType.utf8(),
    }
    columns = {}
    for column, name in enumerate(names):
        kind = kinds["text"] if rows and column != 1 and isinstance(rows[0][column], str) else kinds[name]
        columns[name] = arro3.core.Array([row[column] for row in rows], type=kind)
    buffer = io.BytesIO()
    arro3.io.write_parquet(arro3.core.Table.from_pydict(columns), buffer, **options)
    return buffer.getvalue()


def test_google_islr():
    [clip] = read(ISLR.read_bytes(), filename="16069/100015657.parquet", options=FRAME)
    keypoint, score = expected_islr()
    assert clip.layout is get_layout("islr543")
    np.testing.assert_allclose(clip.keypoint[0], keypoint, atol=1e-4)
    np.testing.assert_array_equal(clip.keypoint_score[0], score)
    assert (clip.img_shape, clip.frame_dir) == ((500, 1000), "100015657")


def test_points_are_known_by_type_and_index_whatever_the_order_of_the_rows():
    islr = get_layout("islr543")
    rows = [(7, kind, i, 0.1, i / 1000) for kind, count in TYPES.items() for i in range(count)]
    position = {(kind, i): v for v, (_, kind, i, _, _) in enumerate(rows)}
    random.Random(0).shuffle(rows)
    [clip] = read(parquet(rows), options=FRAME)
    holistic = {point: v for v, point in enumerate(clip.layout.points)}
    assert set(holistic) == set(islr.points)
    for (_, i), v in position.items():
        assert clip.keypoint[0, 0, holistic[islr.points[v]], 1] == pytest.approx(i / 2, abs=1e-4)


def test_the_order_of_mediapipe_is_its_layout():
    order = ("pose", "face", "left_hand", "right_hand")
    rows = [(0, kind, i, 0.5, 0.5) for kind in order for i in range(TYPES[kind])]
    assert read(parquet(rows), options=FRAME)[0].layout.name == "mediapipe_holistic"


def test_fewer_types_frames_in_any_order_and_rows_that_are_missing():
    rows = [(9, "left_hand", 4, 0.3, 0.2), (2, "left_hand", 0, 0.1, 0.2), (2, "left_hand", 4, 0.5, None)]
    [clip] = read(parquet(rows), options=FRAME)
    assert clip.layout.points == ("left_hand_4", "left_hand_0")
    np.testing.assert_allclose(clip.keypoint[0], [[[0, 0], [100, 100]], [[300, 100], [0, 0]]], atol=1e-4)
    assert clip.keypoint_score[0].tolist() == [[0, 1], [1, 0]]


def test_unknown_types_keep_their_names():
    [clip] = read(parquet([(0, "tail", 3, 0.5, 0.5), (0, "pose", 40, 0.5, 0.5)]), options=FRAME)
    assert clip.layout.points == ("tail_3", "pose_40")


def test_without_arro3_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("heatsvc.pose.readers.parquet.find_spec", lambda name: None)
    with pytest.raises(PoseError, match=r"reading Parquet files needs arro3: pip install 'heatsvc\[parquet\]'"):
        read(ISLR.read_bytes(), options=FRAME)


ROW = (0, "pose", 0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        ([], NoKeypointsError, "no rows"),
        ([ROW, ROW], PoseError, "'pose' 0 occurs twice in frame 0: a file must have one person"),
        ([(0, None, 0, 0.5, 0.5)], PoseError, "the column type must be text"),
        ([(None, "pose", 0, 0.5, 0.5)], PoseError, "the column frame must be whole numbers"),
        ([(0, "pose", -1, 0.5, 0.5)], PoseError, "the column landmark_index must be whole numbers"),
        ([(0, "pose", 0, "left", 0.5)], PoseError, "the column x must be numbers"),
        ([(0, f"type {i}", 0, 0.5, 0.5) for i in range(65)], PoseError, "the column type has 65 values: 64 at most"),
    ],
)
def test_what_cannot_be_meant_is_refused(rows, error, said):
    with pytest.raises(error, match=said):
        read(parquet(rows), options=FRAME)


def test_another_table_is_refused_with_the_columns_that_are_needed():
    data = parquet([("a", "b")], names=("text", "type"))
    with pytest.raises(PoseError, match="no column frame: it must have the columns frame, type, landmark_index, x, y"):
        read(data, options=FRAME)


def test_sizes_are_checked_before_the_next_rows_are_read():
    # A million equal rows take 15 KB.
    data = parquet([ROW] * 1_000_000, dictionary_enabled=True, compression="zstd(3)")
    assert len(data) < 50_000
    small = Bounds(max_unpacked_bytes=1 << 20)
    with pytest.raises(LimitError, match="98,304 bytes of landmarks are too many"):
        read(data, options=ReadOptions((500, 1000), bounds=Bounds(max_unpacked_bytes=50_000)))
    with pytest.raises(LimitError, match="bytes of landmarks are too many"):
        read(data, options=ReadOptions((500, 1000), bounds=small))


@pytest.mark.parametrize(
    ("bound", "rows", "said"),
    [
        ("max_frames", [(t, "pose", 0, 0.5, 0.5) for t in range(4)], "4 frames are too many"),
        ("max_keypoints", [(0, "pose", i, 0.5, 0.5) for i in range(4)], "4 keypoints are too many"),
    ],
)
def test_files_are_held_to_the_bounds(bound, rows, said):
    with pytest.raises(LimitError, match=said):
        read(parquet(rows), options=ReadOptions((500, 1000), bounds=Bounds(**{bound: 3})))


def test_frames_and_points_that_multiply_are_held_to_the_bounds():
    rows = [(t, "pose", t, 0.5, 0.5) for t in range(100)]
    with pytest.raises(LimitError, match="120,000 bytes of keypoints are too many"):
        read(parquet(rows), options=ReadOptions((500, 1000), bounds=Bounds(max_unpacked_bytes=100_000)))


def test_text_that_unpacks_to_gigabytes_is_refused():
    # One text of 4 MB for 8,000 rows: 32 GB, which no process may take here.
    data = (DATA / "attack" / "long_text.parquet").read_bytes()
    with pytest.raises(PoseError, match="the Parquet file cannot be read: "):
        read(data, options=FRAME)


def test_whatever_the_bytes_only_input_errors_are_raised():
    data = ISLR.read_bytes()
    rng = random.Random(0)
    bent = [data[: len(data) * i // 4] for i in range(1, 4)]
    for _ in range(12):
        flipped = bytearray(data)
        for _ in range(4):
            # Most of what can be wrong is in the footer.
            at = rng.randrange(4, len(data)) if rng.random() < 0.3 else rng.randrange(len(data) - 3000, len(data))
            flipped[at] = rng.choice((0, 1, 0x7F, 0xFF))
        bent.append(bytes(flipped))
    read_or_refused = 0
    for each in bent:
        try:
            read_or_refused += len(read(each, options=FRAME))
        except InputError as error:
            read_or_refused += bool(error.detail)
    assert read_or_refused == len(bent)
