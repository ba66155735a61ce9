"""Every bound: set small, a request over it is refused with the setting's name, its limit and the amount."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from tests.api.annotation.test_dataset_bounds import DATASET_BOUNDS
from tests.api.client import CLIP, NPY, PIPELINE, Client, Response, clip_of
from tests.pose.readers.samples import annotation, npy, npz, pickled, zipped

Send = Callable[[Client], Response]
TWO = np.full((2, 3, 5, 2), 30.0)
ASKED = clip_of(TWO, pipeline=PIPELINE)
ZIP = zipped({f"f_{i}.json": b'{"people": []}' + b" " * (1 << 20) for i in range(3)})
POTION = {"type": "Heatmap2Potion", "C": 2, "option": "I"}
WIDE = [{**PIPELINE[0], "sigma": 1000}]
CROWD = clip_of(np.full((60, 1, 1, 2), 30.0), (300, 300), pipeline=WIDE, reduce="max")
FRAMES = [{"type": "UniformSampleFrames", "clip_len": 100}, {"type": "PoseDecode"}, *PIPELINE]


def files(name: str, data: bytes) -> Send:
    return lambda client: client.post_files({name: data}, {"img_shape": [64, 64]})


def posts(document: dict[str, Any], **headers: str) -> Send:
    return lambda client: client.post_json(document, **headers)


CASES: list[tuple[str, int, Send, int, int | None]] = [
    ("max_body_bytes", 20, posts(CLIP), 413, None),
    ("max_clips", 1, posts({"clips": [CLIP, CLIP]}), 422, 2),
    ("max_clips", 1, files("a.pkl", pickled([annotation("a"), annotation("b")])), 422, 2),
    ("max_clips", 1, lambda client: client.post_files([("a", b"")] * 3), 422, 2),
    ("max_persons", 1, posts(ASKED), 422, 2),
    ("max_persons", 1, lambda client: client.post(npy(TWO), NPY, "img_shape=64,64"), 422, 2),
    ("max_frames", 2, posts(ASKED), 422, 3),
    ("max_frames", 5, posts({**ASKED, "pipeline": FRAMES}), 422, 100),
    ("max_keypoints", 4, posts(ASKED), 422, 5),
    ("max_keypoints", 5, posts({**ASKED, "select": [0] * 6}), 422, 6),
    ("max_map_side", 63, posts(ASKED), 422, 64),
    ("max_map_work", 1000, posts(CROWD, accept_encoding="zstd"), 422, None),
    ("max_map_work", 1000, posts(CROWD, accept="application/json"), 422, None),
    ("max_map_work", 1000, posts({**CROWD, "reduce": "none", "pipeline": [*WIDE, POTION]}), 422, None),
    ("max_volume_bytes", 1000, posts(ASKED), 413, 3 * 5 * 64 * 64 * 4),
    (
        "max_volume_bytes",
        300_000,
        posts({"clips": [ASKED_ := clip_of(TWO), ASKED_], "pipeline": PIPELINE}),
        413,
        491_520,
    ),
    (
        "max_potion_bytes",
        200_000,
        posts({**ASKED, "pipeline": [*PIPELINE, {"type": "Heatmap2Potion", "C": 9}]}),
        413,
        None,
    ),
    ("max_map_work", 1000, posts(CROWD, accept="image/png"), 422, None),
    ("max_picture_pixels", 1000, posts({**ASKED, "picture": {"scale": 2}}, accept="image/webp"), 422, 128 * 128),
    ("max_picture_pixels", 10_000, posts({**ASKED, "picture": {"scale": 1}}, accept="image/png"), 422, 4 * 64 * 64),
    ("max_picture_frames", 2, posts(ASKED, accept="image/gif"), 422, 3),
    ("max_picture_bytes", 100, posts(ASKED, accept="video/mp4"), 413, None),
    ("max_json_values", 1000, posts(ASKED, accept="application/json"), 422, 3 * 5 * 64 * 64),
    ("max_input_values", 10, posts(ASKED), 422, None),
    ("max_input_values", 10, files("a.json", b'{"people": [' + b"1," * 20 + b"1]}"), 422, 21),
    ("max_unpacked_bytes", 1 << 20, files("a.zip", ZIP), 413, None),
    ("max_unpacked_bytes", 300, posts(ASKED), 413, 2 * 3 * 5 * 12),
    ("max_unpacked_bytes", 1000, posts({**ASKED, "pipeline": FRAMES}), 413, 2 * 100 * 5 * 12),
    ("max_unpacked_bytes", 1000, posts({**ASKED, "select": [0] * 20}), 413, 2 * 3 * 20 * 12),
    ("max_unpacked_bytes", 500, posts({"clips": [ASKED_, ASKED_], "pipeline": PIPELINE}), 413, 720),
    ("max_archive_members", 2, files("a.zip", ZIP), 422, 3),
    ("max_archive_ratio", 10, files("a.zip", ZIP), 422, None),
    ("max_archive_ratio", 10, files("a.npz", npz(keypoint=np.zeros((1000, 500, 2), np.float32))), 422, None),
    ("max_pickle_objects", 5, files("a.pkl", pickled([annotation()])), 422, 6),
]


@pytest.mark.parametrize(("bound", "limit", "send", "status", "got"), CASES, ids=lambda value: str(value)[:24])
def test_the_problem_names_the_setting(
    serve: Callable[..., Client], bound: str, limit: int, send: Send, status: int, got: int | None
) -> None:
    problem = send(serve(**{bound: limit})).problem(status)
    name = f"HEATSVC_{bound.upper()}"
    assert (problem["setting"], problem["limit"]) == (name, limit)
    assert f"(limit {limit:,}, setting {name})" in problem["detail"]
    assert problem["got"] == got if got is not None else problem["got"] > limit


@pytest.mark.parametrize("bound", [field.name for field in fields(Bounds)])
def test_every_bound_has_a_case(bound: str) -> None:
    assert bound in {case[0] for case in CASES} | DATASET_BOUNDS.keys()


def test_a_body_may_not_take_longer_than_a_request(serve: Callable[..., Client]) -> None:
    impatient = serve(request_seconds=0.3)
    sent = 0

    async def drop_by_drop() -> AsyncIterator[bytes]:
        nonlocal sent
        for sent in range(2000):  # noqa: B007
            yield b" "
            await asyncio.sleep(0.02)

    problem = impatient.post(drop_by_drop()).problem(408)
    assert sent < 1999
    assert "HEATSVC_REQUEST_SECONDS" in problem["detail"]
