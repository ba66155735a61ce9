"""JSON bodies that cannot be used: the problem names the position of the error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.client import CLIP, JSON, PIPELINE, Client

GOOD = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the JSON is invalid"),
        (b"{", "the JSON is invalid"),
        (b'{"keypoint": [[1, 2],]}', "the JSON is invalid"),
        (b"{'keypoint': 1}", "the JSON is invalid"),
        (b'{"keypoint": [[NaN, 1]]}', "the JSON is invalid"),
        (b'{"keypoint": [[Infinity, 1]]}', "the JSON is invalid"),
        (b'{"keypoint": [[1e400, 1]]}', "the JSON is invalid"),
        (b"\xff\xfe{}", "the JSON is invalid"),
        (b'{"frame_dir": "\\ud800"}', "the JSON is invalid"),
        (b"[" * 100_000, "the JSON is invalid"),
        (b"[]", "the JSON must be an object, {...}, not a list"),
        (b"null", "the JSON must be an object, {...}"),
        (b'"keypoint"', "the JSON must be an object, {...}"),
    ],
)
def test_broken_json(client: Client, body: bytes, said: str) -> None:
    assert said in client.post(body).problem(400)["detail"]


@pytest.mark.parametrize(
    ("keypoint", "frame", "said"),
    [
        (
            [[[1, 2], [3, 4]], [[5, 6]]],
            1,
            "keypoint[1] has 1 points, but keypoint[0] has 2: all must have the same number",
        ),
        ([[[1, 2], [3, 4]], [[5, 6], [7]]], 1, "keypoint[1][1] has 1 numbers, but keypoint[0][0] has 2"),
        ([[GOOD[0]], [GOOD[0], GOOD[1]]], None, "keypoint[1] has 2 frames, but keypoint[0] has 1"),
        ([[[1, 2], 3]], 0, "keypoint[0][1] is a number: it must be a list of 2 numbers"),
        ([[[1, [2]], [3, 4]]], 0, "keypoint[0][0][1] is a list: it must be a number"),
        ([[[1, "2"], [3, 4]]], 0, 'keypoint[0][0][1] is "2": it must be a number'),
        ([[[1, True], [3, 4]]], 0, "keypoint[0][0][1] is true: it must be a number"),
        ([[[1, {}], [3, 4]]], 0, "keypoint[0][0][1] is an object: it must be a number"),
        (["1", "2"], None, 'keypoint[0] is "1": it must be a number'),
        ([GOOD[0], [[1e39, 0], [3, 4]]], 1, "keypoint[0, 1, 0, 0] is infinite, or too large for float32"),
        ([[[1, -1e300], [3, 4]]], 0, "is infinite, or too large for float32"),
        ([[[1, 10**30], [3, 4]], [[10**39, 1], [1, 1]]], 1, "is infinite, or too large for float32"),
        ("GOOD", None, 'keypoint is "GOOD": it must be lists of numbers'),
        ({"x": 1}, None, "keypoint is an object: it must be lists of numbers"),
        (5, None, "keypoint is a number: it must be lists of numbers"),
        (None, None, "keypoint is missing"),
    ],
)
def test_values_that_are_no_keypoints(client: Client, keypoint: Any, frame: int | None, said: str) -> None:
    problem = client.post_json({**CLIP, "keypoint": keypoint}).problem(422)
    assert (problem["field"], problem.get("frame")) == ("keypoint", frame)
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("keypoint", "said"),
    [
        ([1.0, 2.0], "keypoint has 1 axes, [2]: it must be [V, 2|3], [T, V, 2|3], [M, T, V, 2|3]"),
        ([[[[GOOD]]]], "keypoint is nested deeper than 4 lists"),
        ([[1.0], [2.0]], "the last axis of keypoint has 1 numbers per point, [2, 1]: it must be 2 (x, y) or 3"),
        ([[1.0, 2.0, 3.0, 4.0]], "the last axis of keypoint has 4 numbers per point"),
    ],
)
def test_wrong_axes(client: Client, keypoint: Any, said: str) -> None:
    problem = client.post_json({**CLIP, "keypoint": keypoint}).problem(422)
    assert problem["field"] == "keypoint"
    assert said in problem["detail"]


@pytest.mark.parametrize("keypoint", [[], [[]], [[[]]], [[[], []]], [[[[]]]]])
def test_nothing_in_an_axis(client: Client, keypoint: Any) -> None:
    problem = client.post_json({**CLIP, "keypoint": keypoint}).problem(422)
    assert problem["field"] == "keypoint"
    assert "empty" in problem["detail"]


@pytest.mark.parametrize(
    ("keypoint_score", "said"),
    [
        ([[1, 1]], "keypoint_score is [1, 2]: it must be [1, 3]"),
        ([1, 1, 1], "keypoint_score is [3]: it must be [1, 3]"),
        ([[1, "high", 1]], 'keypoint_score[0][1] is "high": it must be a number'),
        ([[1, 1e39, 1]], "keypoint_score[0, 0, 1] is infinite, or too large for float32"),
        (0.5, "keypoint_score is a number: it must be lists of numbers"),
    ],
)
def test_scores_that_do_not_fit(client: Client, keypoint_score: Any, said: str) -> None:
    problem = client.post_json({**CLIP, "keypoint_score": keypoint_score}).problem(422)
    assert problem["field"] == "keypoint_score"
    assert said in problem["detail"]


@pytest.mark.parametrize("field", ["frame_dir", "label", "layout"])
@pytest.mark.parametrize("value", [[1], {}, 1.5, True])
def test_what_goes_with_a_clip_has_its_type(client: Client, field: str, value: Any) -> None:
    problem = client.post_json({**CLIP, field: value}).problem(422)
    assert problem["field"] == field
    assert "must be" in problem["detail"]


@pytest.mark.parametrize(
    ("frame_dir", "said"),
    [("a" * 256, "256 characters: 255 at most"), ("a\0b", "control characters"), ("a\nb", "control characters")],
)
def test_names_that_no_file_can_hold(client: Client, frame_dir: str, said: str) -> None:
    problem = client.post_json({**CLIP, "frame_dir": frame_dir}).problem(422)
    assert problem["field"] == "frame_dir"
    assert said in problem["detail"]


def test_names_with_slashes_and_dots_are_only_names(client: Client) -> None:
    upwards, inside = "../../etc/passwd \u8868 \U0001f44b", "k400/a..b \u8868 \U0001f44b"
    for accept, names in (("application/vnd.safetensors", (upwards, inside)), ("application/x-npz", (inside,))):
        for name in names:
            clips = [{**CLIP, "frame_dir": name}, CLIP]
            assert set(client.post_json({"clips": clips, "pipeline": PIPELINE}, accept=accept).tensors()) == {name, "1"}
    # A member of an archive is a path to whoever unpacks it.
    clips = [{**CLIP, "frame_dir": upwards}, CLIP]
    assert client.post_json({"clips": clips}, accept="application/x-npz").problem(422)["field"] == "frame_dir"


def test_the_name_that_safetensors_keeps_is_refused(client: Client) -> None:
    clips = [{**CLIP, "frame_dir": "__metadata__"}, CLIP]
    assert client.post_json({"clips": clips}).problem(422)["field"] == "frame_dir"
    assert "__metadata__" in client.post_json({"clips": clips}, accept="application/x-npz").tensors()


def test_options_in_the_query_of_a_json_request_are_refused(client: Client) -> None:
    problem = client.post(json.dumps(CLIP).encode(), JSON, "dtype=uint8").problem(422)
    assert "keys of the JSON, not query parameters" in problem["detail"]
