"""JSON bodies whose number arrays are parsed by a kernel give the same requests and errors as without it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.api import request
from heatsvc.api.problems import members_of, status_of
from heatsvc.api.request import HeatmapRequest, from_json
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelledError, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.readers import parse_number_arrays
from tests.api.client import PIPELINE, Client, clip_of, to_lists
from tests.examples import examples

ROUGH = np.random.default_rng(3).uniform(-10, 80, (4, 17, 2)).astype(np.float32)
SCORE = np.random.default_rng(4).random((4, 17)).astype(np.float32)
HOLES = np.where(SCORE[..., None] < 0.1, np.float32(np.nan), ROUGH)
CLIP: dict[str, Any] = clip_of(ROUGH, keypoint_score=SCORE.tolist(), pipeline=PIPELINE)
CLIPS = [clip_of(ROUGH + place, keypoint_score=SCORE.tolist(), frame_dir=f"c{place}") for place in range(3)]


@contextmanager
def whole_texts() -> Iterator[None]:
    """Nothing is extracted, and the parser sees the whole text."""
    with patch.object(request, "parse_number_arrays", lambda *_: None):
        yield


@contextmanager
def parsed(body: bytes, *, extracted: bool, whole: bool) -> Iterator[None]:
    """What is parsed: a short text that lists were extracted from, the whole text, or one after the other."""
    with patch.object(request, "parse_object", wraps=request.parse_object) as parsing:
        yield
    assert [len(call.args[0]) < len(body) for call in parsing.call_args_list] == [True] * extracted + [False] * whole


@pytest.mark.parametrize(
    "document",
    [
        CLIP,
        clip_of(HOLES, pipeline=PIPELINE),
        clip_of(ROUGH.astype(np.float64) / 3, pipeline=PIPELINE),
        clip_of(np.concatenate([ROUGH, SCORE[..., None]], -1), pipeline=PIPELINE),
        clip_of(np.round(ROUGH)[None], pipeline=PIPELINE, layout="coco17", label=3),
        clip_of(ROUGH[0], pipeline=PIPELINE),
        {**CLIP, "reduce": "max", "dtype": "uint8"},
        {"clips": CLIPS, "pipeline": PIPELINE},
        {"clips": [{"keypoint": CLIP["keypoint"]}, CLIPS[1]], "img_shape": [64, 64], "pipeline": PIPELINE},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_the_request_is_the_same(client: Client, document: dict[str, Any], indent: int | None) -> None:
    body = json.dumps(document, indent=indent).encode()
    with parsed(body, extracted=True, whole=False):
        response = client.post(body)
    assert response.status == 200, response.wire[:500]
    # Written with escapes the keys are the same, and nothing is extracted from under them.
    escaped = body.replace(b'"keypoint', b'"\\u006beypoint')
    with parsed(escaped, extracted=False, whole=True):
        assert client.post(escaped).wire == response.wire


def long(*shape: int) -> Any:
    return np.arange(math.prod(shape)).reshape(shape).tolist()


SMALL = Bounds(max_input_values=300, max_frames=20, max_persons=2, max_clips=3)
FAULTS: list[dict[str, Any]] = [
    {**CLIP, "keypoint": long(4, 17, 4)},
    {**CLIP, "keypoint": long(40)},
    {**CLIP, "keypoint": long(4, 5, 2)},
    {**CLIP, "keypoint": [[*long(17, 2)[:-1], [1, 1e39]]]},
    {**CLIP, "keypoint": [[*long(17, 2)[:-1], [1, 1e300]]]},
    {**CLIP, "keypoint": [[*long(17, 2)[:-1], [1, True]]]},
    {**CLIP, "keypoint": [[*long(17, 2)[:-1], [1, "1"]]]},
    {**CLIP, "keypoint": [[*long(17, 2)[:-1], [1]]]},
    {**CLIP, "keypoint_score": long(4, 16)},
    {**CLIP, "keypoint_score": [[True] * 17] * 4},
    {**CLIP, "keypoint": long(21, 1, 2), "keypoint_score": None},
    {**CLIP, "keypoint": long(3, 1, 17, 2), "keypoint_score": None},
    {**CLIP, "keypoint": long(4, 50, 2), "keypoint_score": None},
    {**CLIP, "keypoint": None},
    {**CLIP, "img_shape": [64]},
    {**CLIP, "img_shape": CLIP["keypoint"]},
    {**CLIP, "layout": "coco99"},
    {**CLIP, "frame_dir": "a" * 300},
    {**CLIP, "x": {"keypoint": long(40)}},
    {**CLIP, "pipeline": [{"type": "GeneratePoseTarget", "keypoint": long(40)}]},
    {**CLIP, "pipeline": [{"type": "Nothing"}]},
    {**CLIP, "select": {"keypoint": long(40)}},
    {**CLIP, "clips": CLIPS},
    {"keypoint_score": CLIP["keypoint_score"]},
    {"clips": {"keypoint": long(40)}},
    {"clips": [*CLIPS, *CLIPS]},
    {"clips": [CLIPS[0], {**CLIPS[1], "keypoint_score": long(4, 16)}]},
    {"clips": [CLIPS[0], {**CLIPS[1], "x": {"keypoint": long(40)}}]},
    {"clips": [CLIPS[0], CLIPS[1]["keypoint"]]},
    {"clips": [CLIPS[0], {"clips": CLIPS}]},
]


def outcome(body: bytes, bounds: Bounds = SMALL, query: bytes = b"") -> Any:
    """The request, or the problem document."""
    try:
        request: HeatmapRequest = from_json(body, query, bounds)
    except InputError as error:
        return status_of(error), error.detail, members_of(error)
    return request.options, [
        (
            clip.keypoint.shape,
            np.nan_to_num(clip.keypoint, nan=-1e9).tobytes(),
            clip.keypoint_score.tobytes(),
            (clip.img_shape, clip.layout, clip.frame_dir, clip.label),
        )
        for clip in request.clips
    ]


@pytest.mark.parametrize("document", FAULTS)
@pytest.mark.parametrize("bounds", [SMALL, Bounds()])
def test_errors_are_the_same(document: dict[str, Any], bounds: Bounds) -> None:
    body = json.dumps(document).encode()
    got = outcome(body, bounds)
    with whole_texts():
        assert outcome(body, bounds) == got


@pytest.mark.parametrize("document", FAULTS)
def test_the_response_is_the_same(client: Client, document: dict[str, Any]) -> None:
    response = client.post_json(document)
    with whole_texts():
        again = client.post_json(document)
    assert (response.status, response.wire) == (again.status, again.wire)


def test_options_in_the_query_are_refused() -> None:
    body = json.dumps(CLIP).encode()
    assert outcome(body, query=b"seed=1")[:2] == (
        422,
        "with a JSON body, options must be keys of the JSON, not query parameters",
    )


def test_numbers_are_counted_in_the_whole_text() -> None:
    body = json.dumps(CLIP).encode()
    for most in (204, 205, 206, 250):
        bounds = Bounds(max_input_values=most)
        with whole_texts():
            wanted = outcome(body, bounds)
        assert outcome(body, bounds) == wanted


def test_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    first, last = json.dumps(long(4, 17, 2)), json.dumps(CLIP["keypoint"])
    for one, other in ((first, last), (last, first), (first, '"x"'), ("true", last), (first, "[[1, 2]]")):
        body = f'{{"keypoint": {one}, "keypoint": {other}, "img_shape": [64, 64]}}'.encode()
        got = outcome(body)
        with whole_texts():
            assert outcome(body) == got


def test_lists_of_no_clip_are_read_as_what_they_are() -> None:
    """A step may be given a parameter of that name; the error names the value that was sent."""
    document = {**CLIP, "pipeline": [{"type": "GeneratePoseTarget", "keypoint": long(40)}]}
    body = json.dumps(document).encode()
    with parsed(body, extracted=True, whole=True):
        outcome(body, Bounds())
    status, detail, members = outcome(json.dumps({**CLIP, "select": {"keypoint": long(40)}}).encode(), Bounds())
    assert (status, members["field"]) == (422, "select")
    assert "[0, 1, 2" in detail or "list" in detail


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"keypoint": %s', b'{"keypoint": %s}}', b"[%s]"]
)
def test_broken_json_is_reported_with_its_position(body: bytes) -> None:
    body = body.replace(b"%s", json.dumps(CLIP["keypoint"]).encode())
    got = outcome(body)
    assert got[0] == 400
    with whole_texts():
        assert outcome(body) == got


def test_reading_ends_when_it_is_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        from_json(json.dumps({"clips": CLIPS}).encode(), b"", Bounds(), token)


values = st.sampled_from(
    [
        *(
            CLIP["keypoint"],
            CLIP["keypoint_score"],
            to_lists(HOLES[..., 0]),
            long(4, 17, 3),
            long(1, 4, 17, 2),
            long(40),
        ),
        *([[1, 2]], [[1, 2], [3]], [[True] * 40], [["1"] * 40], [[1e39] * 40], [[None] * 40], None, "x", 5, {}, []),
    ]
)
clip_documents = st.dictionaries(
    st.sampled_from(["keypoint", "keypoint", "keypoint_score", "img_shape", "frame_dir", "x"]), values, max_size=4
).map(lambda changes: {**CLIPS[0], **changes})
bodies = st.one_of(
    clip_documents,
    st.builds(lambda clips, more: {"clips": clips, **more}, st.lists(clip_documents, max_size=4), clip_documents),
    st.lists(clip_documents, max_size=4).map(lambda clips: {"clips": clips}),
)


@examples(500)
@given(bodies, st.sampled_from([SMALL, Bounds()]))
def test_any_body(document: Any, bounds: Bounds) -> None:
    body = json.dumps(document).encode()
    got = outcome(body, bounds)
    with whole_texts():
        assert outcome(body, bounds) == got


@pytest.mark.parametrize("count", [2, 3, 4, 500])
def test_no_more_lists_are_extracted_than_all_clips_may_have(count: int) -> None:
    """A short list is ten times as large in Python, whether a clip has it or one key is repeated."""
    body = b'{%s,"img_shape":[64,64]}' % b",".join([b'"keypoint":%s' % json.dumps(CLIP["keypoint"]).encode()] * count)
    with patch.object(request, "parse_number_arrays", wraps=parse_number_arrays) as lifting:
        parsed = from_json(body, b"", Bounds(max_clips=1))
    assert lifting.call_count == 1
    extracted = parse_number_arrays(*lifting.call_args.args)
    assert extracted is not None
    assert len(extracted.arrays) == 2
    np.testing.assert_array_equal(parsed.clips[0].keypoint[0], ROUGH)
