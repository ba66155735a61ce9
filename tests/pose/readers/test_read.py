"""`read`: formats are detected by content; whatever the bytes, only InputError is raised."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.bounds import Bounds
from heatsvc.errors import InputError, LimitError
from heatsvc.pose import PoseError
from heatsvc.pose.readers import READERS, ReadOptions, clip_from_json, read
from tests.examples import examples
from tests.pose.readers.samples import HD, every_format

SAMPLES = every_format()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_format_is_found_by_content_whatever_the_name(name):
    assert len(read(SAMPLES[name], filename="anything.bin", options=HD)) == 1


def test_names_of_formats_are_unique():
    assert [reader.name for reader in READERS] == [
        *("npy", "npz", "ntu", "pose", "archive", "openpose", "mmpose", "coco", "results", "kinetics", "json"),
        *(
            "yolo_json",
            "mediapipe",
            "deeplabcut",
            "hdf5",
            "parquet",
            "annotation",
            "yolo_labels",
            "table",
            "long_table",
        ),
    ]


@pytest.mark.parametrize("name", SAMPLES)
def test_exactly_one_reader_matches_a_file(name):
    from heatsvc.pose.readers.upload import Upload

    upload = Upload(SAMPLES[name], name, HD)
    assert sum(reader.matches(upload) for reader in READERS) == 1


@pytest.mark.parametrize("data", [b"hello", b"\0" * 100])
def test_unknown_content_lists_the_known_formats(data):
    with pytest.raises(PoseError, match=r"'x\.npy' has an unknown format: known are npy \(\.npy\), npz") as caught:
        read(data, filename="x.npy", options=HD)
    assert caught.value.file == "x.npy"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'{"a": 1, "b": 2}', "an object with 'a', 'b'"),
        (b'[{"a": 1}, 2]', "a list of objects with 'a'"),
        (b"[1, 2]", "a list of numbers, texts or lists"),
        (b"{}", "an object with no keys"),
    ],
)
def test_unknown_json_says_what_it_has_and_how_a_clip_is_written(data, what):
    message = rf"'x\.json' is JSON of an unknown format, {what}: known are .* write a clip, "
    with pytest.raises(PoseError, match=message) as caught:
        read(data, filename="x.json", options=HD)
    assert caught.value.file == "x.json"


def test_an_empty_file_is_refused():
    with pytest.raises(PoseError, match="the file is empty: known are npy"):
        read(b"", options=HD)


def test_broken_json_is_refused():
    with pytest.raises(PoseError, match=r"the JSON is invalid: .* line 1 column 15"):
        read(b'{"keypoint": [', options=HD)


def test_a_byte_order_mark_before_json_is_ignored():
    assert len(read(b"\xef\xbb\xbf" + SAMPLES["request.json"], options=HD)) == 1


def test_json_values_are_counted_before_they_are_parsed():
    with pytest.raises(LimitError, match="1,001 JSON values are too many"):
        read(b"[" + b"1," * 1000 + b"1]", options=ReadOptions(bounds=Bounds(max_input_values=100)))


@pytest.mark.parametrize("name", SAMPLES)
def test_no_truncation_raises_anything_but_input_errors(name):
    data = SAMPLES[name]
    step = max(1, len(data) // 150)
    for length in range(0, len(data), step):
        harmless(data[:length])


@pytest.mark.parametrize("name", SAMPLES)
def test_no_flipped_byte_raises_anything_but_input_errors(name):
    data = SAMPLES[name]
    rng = random.Random(name)
    for _ in range(300):
        bent = bytearray(data[:20_000] if rng.random() < 0.1 else data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            # Most faults are at the beginning.
            at = rng.randrange(min(len(bent), 400)) if rng.random() < 0.7 else rng.randrange(len(bent))
            bent[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256), bent[at] ^ 1 << rng.randrange(8)))
        harmless(bytes(bent))


TEXTS = [name for name in SAMPLES if name.endswith((".json", ".csv", ".txt", ".skeleton"))]
ODD = [
    b"",
    b"nan",
    b"inf",
    b"-1",
    b"1e308",
    b"1e400",
    b"9" * 25,
    b"x",
    b'"',
    b"[]",
    b"{}",
    b"null",
    b"true",
    b"1_0",
    b"\n",
]


@pytest.mark.parametrize("name", TEXTS)
def test_no_odd_value_raises_anything_but_input_errors(name):
    pieces = re.split(rb"([\s,:\[\]{}]+)", SAMPLES[name])
    rng = random.Random(name)
    for _ in range(200):
        bent = list(pieces)
        for _ in range(rng.choice((1, 1, 2, 4))):
            bent[rng.randrange(min(len(bent), rng.choice((40, 10_000))))] = rng.choice(ODD)
        harmless(b"".join(bent))


BEGINNINGS = [
    b"",
    b"\x93NUMPY\x01\x00",
    b"PK\x03\x04",
    b"\xcd\xccL>",
    b"\x80\x04",
    b"\x80\x02}q\x00",
    b"(dp0\n",
    b"{",
    b"[",
    b"0 0.5 0.5 0.25 0.25 0.5 0.5 0.5 0.5 0.5 0.5 ",
    b"frame,landmark_index,x,y\n1,1,",
    b"x0,y0,x1,y1,x2,y2\n",
    b"1\n1\n7 0 1 1 1 1 0 0.1 -0.2 2\n25\n",
]


@examples(300)
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=200))
def test_no_bytes_raise_anything_but_input_errors(beginning, rest):
    harmless(beginning + rest)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("keypoints", "a")), inner, max_size=2),
    max_leaves=25,
)
KEYS = ("keypoint", "keypoint_score", "img_shape", "layout", "frame_dir", "label")


@examples(400)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_no_json_raises_anything_but_input_errors(content):
    try:
        clip_from_json({"img_shape": [4, 4], **content}, may_hold_booleans=True)
    except InputError as error:
        assert error.detail  # noqa: PT017 - succeeding is as good


JSON_KEYS = (
    "people",
    "pose_keypoints_2d",
    "instances",
    "instance_info",
    "keypoints",
    "images",
    "annotations",
    "id",
    "frame_id",
    "image_id",
    "idx",
    "bodies",
    "frames",
    "pose_landmarks",
    "hands",
    "handedness",
    "x",
    "y",
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just("x"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(JSON_KEYS), inner, max_size=4),
    max_leaves=20,
)


@examples(400)
@given(st.sampled_from(("people", "instance_info", "images", "instances")), TREES, TREES)
def test_no_json_file_raises_anything_but_input_errors(key, first, second):
    from tests.pose.readers.samples import text

    harmless(text({key: first, "annotations": second}))
    harmless(text([{key: first, "keypoints": second, "keypoint_scores": second}, first]))
    harmless(text([{"image_id": "1", "idx": first, "keypoints": [1, 2, 3]}, {"image_id": 1, "keypoints": second}]))
    harmless(text({"0.jpg": {"bodies": first}, "a": second}))
    harmless(text({"pose": first, "left_hand": second, "face": [first] * 468}))
    harmless(text({"frames": [{"pose": [first] * 33}, {"pose": [second] * 33}, first]}))
    harmless(text({"hand_landmarks": [[{"x": 1, "y": 1}] * 21], "handedness": first, "frame": second}))
    harmless(text([{"keypoints": {"x": [1], "y": first}, "track_id": second}, {"keypoints": {"x": [1], "y": [first]}}]))
    harmless(text({"data": [{"skeleton": first}, {"skeleton": [{"pose": second, "score": [1]}]}], "label_index": 1}))


def harmless(data: bytes) -> None:
    """It is read, or refused with a message."""
    try:
        read(data, filename="f", options=HD)
    except InputError as error:
        assert error.detail  # noqa: PT017 - succeeding is as good
