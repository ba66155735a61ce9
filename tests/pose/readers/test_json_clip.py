"""A clip in JSON: lists become arrays, irregular ones are refused with the index."""

import math

import numpy as np
import orjson
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import LayoutError, NoKeypointsError, PoseError
from heatsvc.pose.readers import clip_from_json, may_hold_booleans, read

SMALL = Bounds(max_input_values=50)


def clip(keypoint, **more):
    return clip_from_json({"keypoint": keypoint, "img_shape": [480, 640], **more})


def lists(*shape):
    return np.arange(math.prod(shape)).reshape(shape).tolist()


def test_every_key_is_read():
    got = clip(lists(1, 2, 17, 2), keypoint_score=lists(1, 2, 17), layout="coco17", frame_dir="a/b.avi", label=3)
    assert got.keypoint.tolist() == lists(1, 2, 17, 2)
    assert got.keypoint_score.tolist() == lists(1, 2, 17)
    assert (got.img_shape, got.layout.name, got.frame_dir, got.label) == ((480, 640), "coco17", "a/b.avi", 3)


@pytest.mark.parametrize(
    ("shape", "full"),
    [
        ((17, 2), (1, 1, 17, 2)),
        ((4, 17, 2), (1, 4, 17, 2)),
        ((4, 17, 3), (1, 4, 17, 2)),
        ((3, 4, 17, 2), (3, 4, 17, 2)),
    ],
)
def test_lists_of_two_to_four_levels(shape, full):
    assert clip(lists(*shape)).keypoint.shape == full


def test_null_is_not_detected():
    got = clip([[[1, None], [3.5, 4]]], keypoint_score=[[0.5, 0.25]])
    assert np.isnan(got.keypoint[0, 0, 0]).all()
    assert got.keypoint[0, 0, 1].tolist() == [3.5, 4]
    assert got.keypoint_score.tolist() == [[[0, 0.25]]]


def test_a_null_score_is_not_detected():
    assert np.isnan(clip([[[1, 2]]], keypoint_score=[[None]]).keypoint).all()


def ragged():
    keypoint = lists(1, 5, 17, 2)
    del keypoint[0][3][16]
    return keypoint


def changed(value, *where):
    keypoint = lists(1, 4, 6, 2)
    *above, last = where
    item = keypoint
    for i in above:
        item = item[i]
    item[last] = value
    return keypoint


@pytest.mark.parametrize("booleans", [True, False])
@pytest.mark.parametrize(
    ("keypoint", "text", "frame"),
    [
        (ragged(), "keypoint[0][3] has 16 points, but keypoint[0][0] has 17: all must have the same number", 3),
        (changed([1, 2, 3], 0, 2, 1), "keypoint[0][2][1] has 3 numbers, but keypoint[0][0][0] has 2", 2),
        (
            changed("12", 0, 3, 5, 1),
            "keypoint[0][3][5][1] is \"12\": it must be a number, or null for 'not detected'",
            3,
        ),
        (changed("1" * 50, 0, 3, 5, 1), 'keypoint[0][3][5][1] is "11111111111111111..."', 3),
        (changed([1], 0, 3, 5, 1), "keypoint[0][3][5][1] is a list", 3),
        (changed({}, 0, 3, 5, 1), "keypoint[0][3][5][1] is an object", 3),
        (changed("ab", 0, 3, 5), 'keypoint[0][3][5] is "ab": it must be a list of 2 numbers', 3),
        (changed({"x": 1, "y": 2}, 0, 3, 5), "keypoint[0][3][5] is an object: it must be a list of 2 numbers", 3),
        (changed(None, 0, 3, 5), "keypoint[0][3][5] is null: it must be a list of 2 numbers", 3),
        (changed(7, 0, 3), "keypoint[0][3] is a number: it must be a list of 6 points", None),
        (changed([], 0, 3), "keypoint[0][3] is empty: it must be a list of points", 3),
        (changed(10**400, 0, 3, 5, 1), "keypoint[0][3][5][1] is a number too large for float32", 3),
        (changed(1e39, 0, 3, 5, 1), "keypoint[0, 3, 5, 1] is infinite, or too large for float32", 3),
        (changed(10**39, 0, 3, 5, 1), "keypoint[0, 3, 5, 1] is infinite, or too large for float32", 3),
        ([1, 2, 3], "keypoint has 1 axes, [3]: it must be [V, 2|3]", None),
        ([[[[[1, 2]]]]], "keypoint is nested deeper than 4 lists", None),
        (lists(4, 17, 4), "the last axis of keypoint has 4 numbers per point", None),
        ([], "keypoint is empty: it must be lists of numbers", None),
        ([[]], "keypoint[0] is empty", None),
        ("text", 'keypoint is "text": it must be lists of numbers', None),
        ({"0": [1, 2]}, "keypoint is an object: it must be lists of numbers", None),
        (12, "keypoint is a number: it must be lists of numbers", None),
        (None, "keypoint is missing: send numbers [T, V, 2]", None),
    ],
)
def test_irregular_lists_are_refused_with_the_index(keypoint, text, frame, booleans):
    with pytest.raises(PoseError) as caught:
        clip_from_json({"keypoint": keypoint, "img_shape": [480, 640]}, may_hold_booleans=booleans)
    assert text in caught.value.detail
    if frame is not None and "infinite" not in text:
        assert caught.value.frame == frame


def test_a_boolean_is_not_a_number():
    with pytest.raises(PoseError, match=r"keypoint\[0\]\[3\]\[5\]\[1\] is true: it must be a number"):
        clip(changed(True, 0, 3, 5, 1))
    with pytest.raises(PoseError, match=r"keypoint_score\[0\]\[2\] is false"):
        clip(lists(1, 4, 2), keypoint_score=[[1, 1, False, 1]])


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (b'{"keypoint": [1, true]}', True),
        (b'{"keypoint": [false]}', True),
        (b'{"frame_dir": "tour de f", "x": [null, 1.5]}', False),
        (b"t" * 1000 + b"true", True),
        (b"t" * 1000, False),
    ],
)
def test_may_hold_booleans_finds_them_in_the_text(text, may):
    assert may_hold_booleans(text) is may


def test_deeply_nested_lists_are_refused():
    nested = orjson.loads("[" * 1000 + "]" * 1000)
    with pytest.raises(PoseError, match="keypoint is nested deeper than 4 lists"):
        clip(nested)
    with pytest.raises(PoseError, match="img_shape must be two whole numbers"):
        clip(lists(2, 17, 2), img_shape=nested)


def test_the_path_in_the_request_is_a_prefix_of_the_field():
    with pytest.raises(PoseError, match=r"clips\[3\]\.keypoint\[0\]\[1\] has 1 numbers") as caught:
        clip_from_json({"keypoint": [[[1, 2], [1]]], "img_shape": [4, 4]}, field="clips[3].")
    assert caught.value.field == "clips[3].keypoint"
    with pytest.raises(PoseError, match=r"clips\[3\] must be an object with keypoint and img_shape"):
        clip_from_json([1], field="clips[3].")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"keypoint_score": [[1, 2]]}, r"keypoint_score is \[1, 2\]: it must be \[2, 17\]"),
        ({"img_shape": None}, "img_shape is missing"),
        (
            {"img_shape": ["480", "640"]},
            r"img_shape must be two whole numbers, \[height, width\], not \['480', '640'\]",
        ),
        ({"layout": 17}, "layout must be a layout's name, such as coco17"),
        ({"frame_dir": 17}, "frame_dir must be text, not int"),
        ({"frame_dir": "x" * 256}, "frame_dir has 256 characters: 255 at most"),
        ({"frame_dir": "\ud800"}, "cannot be written as UTF-8"),
        ({"label": "7"}, "label must be a whole number, the class index, not str"),
        ({"label": True}, "label must be a whole number"),
        ({"label": 1 << 64}, "label must be a whole number, the class index, not a number too large"),
    ],
)
def test_other_keys_are_checked(more, text):
    with pytest.raises(PoseError, match=text):
        clip(lists(2, 17, 2), **more)


def test_an_unknown_layout_is_refused():
    with pytest.raises(LayoutError, match="unknown layout 'coco99'"):
        clip(lists(2, 17, 2), layout="coco99")


@pytest.mark.parametrize("shape", [(60,), (30, 2), (3, 10, 2), (10, 3, 2)])
def test_numbers_are_bounded(shape):
    with pytest.raises(LimitError, match=r"60 numbers are too many \(limit 50\): .*max_input_values=60"):
        clip_from_json({"keypoint": lists(*shape), "img_shape": [4, 4]}, bounds=SMALL)


def test_a_file_of_that_form_is_read():
    data = orjson.dumps({"keypoint": lists(2, 17, 2), "img_shape": [480, 640]})
    [got] = read(data, filename="x/a.mp4.json")
    assert (got.frame_dir, got.frames) == ("a.mp4", 2)


def test_a_file_with_a_boolean_is_refused():
    with pytest.raises(PoseError, match=r"keypoint\[0\]\[0\]\[1\] is true") as caught:
        read(b'{"keypoint": [[[1, true]]], "img_shape": [4, 4]}', filename="a.json")
    assert caught.value.file == "a.json"


def test_no_persons_is_not_damage():
    assert issubclass(NoKeypointsError, PoseError)
