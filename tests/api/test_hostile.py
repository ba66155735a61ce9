"""Requests made to harm: deep, many, huge. Each ends soon, with a problem, and the service answers meanwhile."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.api.asking import CLIP, DRAW, HEATMAP, JSON, Answer, Asker, clip_of
from tests.pose.readers.samples import npy

DEEP = {depth: b"[" * depth + b"]" * depth for depth in (30, 260, 1000)}
SOON = 2.0


def sampled(clip_len: int, num_clips: int) -> list[dict[str, Any]]:
    return [{"type": "UniformSampleFrames", "clip_len": clip_len, "num_clips": num_clips}, {"type": "PoseDecode"}]


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize(
    "body",
    [
        b'{"img_shape": [4, 4], "keypoint": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, %s]]}',
        b'{"img_shape": %s, "keypoint": [[1, 2]]}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "keypoint_score": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "frame_dir": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "label": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "layout": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "select": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "dtype": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "seed": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "pipeline": %s}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "pipeline": [{"type": "GeneratePoseTarget", "sigma": %s}]}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], "pipeline": [{"type": %s}]}',
        b'{"img_shape": [4, 4], "keypoint": [[1, 2]], %s: 1}',
        b'{"clips": %s}',
        b'{"clips": [{"keypoint": %s, "img_shape": [4, 4]}]}',
    ],
)
def test_nesting(service: Asker, body: bytes, depth: int) -> None:
    answer = service.post(body.replace(b"%s", DEEP[depth]))
    answer.problem(400 if b"%s: 1" in body or (depth == 1000 and answer.status == 400) else 422)


@pytest.mark.parametrize("depth", [30, 260, 900])
def test_nesting_in_what_is_ignored(service: Asker, depth: int) -> None:
    steps = [*DRAW, {"type": "Collect", "keys": json.loads("[" * depth + "]" * depth)}]
    assert service.draw({**CLIP, "pipeline": steps}).array().shape == (1, 3, 64, 64)
    assert service.draw_array(np.ones((1, 3, 2)), img_shape=[64, 64], pipeline=steps).array().shape == (1, 3, 64, 64)


@pytest.mark.parametrize(
    "change",
    [
        {f"o{i}": i for i in range(50_000)},
        {"select": [0] * 1_000_000},
        {"select": ["a"] * 1_000_000},
        {"pipeline": [1] * 1_000_000},
        {"pipeline": [{"type": "PoseDecode"}] * 100_000},
        {"pipeline": [{**DRAW[0], "skeletons": [[0, 1]] * 300_000}]},
        {"pipeline": [{**DRAW[0], "left_kp": ["a"] * 1_000_000}]},
        {"pipeline": "a" * 1_000_000},
        {"frame_dir": "a" * 1_000_000},
        {"img_shape": [1] * 1_000_000},
        {"keypoint": [[[1, 2]] * 500, [[1, 2]] * 499] * 300},
        {"seed": "9" * 1_000_000},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_million_of_anything_is_told_soon_and_shortly(service: Asker, change: dict[str, Any]) -> None:
    body = json.dumps({**CLIP, **change}).encode()
    started = time.monotonic()
    problem = service.post(body).problem(422)
    assert time.monotonic() - started < SOON
    assert len(problem["field"]) <= 60


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"pipeline": [*sampled(10_000, 10_000), *DRAW]}, "HEATSVC_MAX_FRAMES"),
        ({"pipeline": [*sampled(16, 10_000), *DRAW]}, "HEATSVC_MAX_VOLUME_BYTES"),
        ({"keypoint": [[0, 0]], "pipeline": [{"type": "Resize", "scale": 1000.0}] * 60 + DRAW}, "HEATSVC_MAX_MAP_SIDE"),
        ({"pipeline": [{**DRAW[0], "scaling": 1000.0}]}, "HEATSVC_MAX_MAP_SIDE"),
        ({"pipeline": [{"type": "CenterCrop", "crop_size": 4096}, *DRAW], "dtype": "uint8"}, None),
        (
            {"pipeline": [*DRAW, {"type": "Heatmap2Potion", "C": 64}], "img_shape": [900, 900]},
            "HEATSVC_MAX_POTION_BYTES",
        ),
    ],
)
def test_little_that_asks_for_much(service: Asker, change: dict[str, Any], setting: str | None) -> None:
    started = time.monotonic()
    answer = service.draw({**CLIP, "keypoint": [[[0, 0], [0, 0], [5, 5]]], **change}, accept_encoding="zstd")
    if setting is None:
        assert answer.array().shape == (1, 3, 4096, 4096)
    else:
        assert answer.problem(answer.status)["setting"] == setting
    assert time.monotonic() - started < SOON


HEAVY = {
    "crowds on one map": lambda: (
        np.full((64, 3, 1024, 2), 2000.0, np.float32),
        {"pipeline": [{**DRAW[0], "sigma": 1000}], "img_shape": [4096, 4096], "reduce": "argmax"},
    ),
    "limbs that are nowhere": lambda: (
        np.full((8, 1, 2, 2), -1000.0, np.float32),
        {
            "pipeline": [
                *sampled(10_000, 16),
                {**DRAW[0], "with_limb": True, "skeletons": [[0, 1]] * 4096},
            ],
            "img_shape": [1, 1],
            "reduce": "max",
        },
    ),
    "pictures": lambda: (
        np.full((32, 10_000, 1, 2), 100.0, np.float32),
        {
            "pipeline": [{**DRAW[0], "sigma": 1000}, {"type": "Heatmap2Potion", "C": 2, "option": "I"}],
            "img_shape": [300, 300],
        },
    ),
}


@pytest.mark.parametrize("what", HEAVY)
def test_work_ends_with_its_time_and_the_service_responds_meanwhile(serve: Callable[..., Asker], what: str) -> None:
    array, options = HEAVY[what]()
    patient = serve(request_seconds=0.5, max_volume_bytes=1 << 40, max_potion_bytes=1 << 40)
    sent = {
        "files": [("file", ("a.npy", npy(array)))],
        "data": {"options": json.dumps(options)},
        "headers": {"accept-encoding": "zstd"},
    }

    async def asked() -> tuple[Answer, int]:
        drawing = asyncio.create_task(patient.asking("POST", HEATMAP, **sent))
        others = 0
        while not drawing.done():
            await asyncio.sleep(0.02)
            assert (await patient.asking("GET", "/health/live")).status == 200
            others += 1
        return await drawing, others

    answer, others = patient.wait(asked())
    problem = answer.problem(answer.status)
    if answer.status == 422:
        assert problem["setting"] == "HEATSVC_MAX_MAP_WORK"
    else:
        assert "HEATSVC_REQUEST_SECONDS" in answer.problem(503)["detail"]
        assert others > 2


def test_a_thousand_small_clips_do_not_hold_the_service_up(service: Asker) -> None:
    body = json.dumps({"clips": [{"keypoint": [[1, 1]], "img_shape": [9, 9]}] * 1024}).encode()
    assert len(body) < 128 << 10

    async def asked() -> tuple[Answer, float]:
        drawing = asyncio.create_task(
            service.asking("POST", HEATMAP, content=body, headers={"content-type": JSON, "accept-encoding": "zstd"})
        )
        longest = 0.0
        while not drawing.done():
            before = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - before)
        return await drawing, longest

    answer, longest = service.wait(asked())
    assert len(answer.tensors()) == 1024
    assert longest < 0.15


def test_points_far_away_draw_nothing(service: Asker) -> None:
    for far in (1e30, -1e30, 3e38):
        clip = clip_of(np.array([[[far, 5.0], [5.0, far]]]), pipeline=DRAW)
        assert not service.draw(clip).array().any()
