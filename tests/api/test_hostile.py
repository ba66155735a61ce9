"""Hostile requests: deep, many, huge. Each is refused with a problem, and the service responds to others meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.api.client import CLIP, HEATMAP, JSON, PIPELINE, Client, Response, clip_of
from tests.pose.readers.samples import npy

DEEP = {depth: b"[" * depth + b"]" * depth for depth in (30, 260, 1000)}


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
def test_nesting(client: Client, body: bytes, depth: int) -> None:
    response = client.post(body.replace(b"%s", DEEP[depth]))
    response.problem(400 if b"%s: 1" in body or (depth == 1000 and response.status == 400) else 422)


@pytest.mark.parametrize("depth", [30, 260, 900])
def test_nesting_in_what_is_ignored(client: Client, depth: int) -> None:
    steps = [*PIPELINE, {"type": "Collect", "keys": json.loads("[" * depth + "]" * depth)}]
    assert client.post_json({**CLIP, "pipeline": steps}).array().shape == (1, 3, 64, 64)
    assert client.post_npy(np.ones((1, 3, 2)), img_shape=[64, 64], pipeline=steps).array().shape == (1, 3, 64, 64)


@pytest.mark.parametrize(
    "change",
    [
        {f"o{i}": i for i in range(50_000)},
        {"select": [0] * 1_000_000},
        {"select": ["a"] * 1_000_000},
        {"pipeline": [1] * 1_000_000},
        {"pipeline": [{"type": "PoseDecode"}] * 100_000},
        {"pipeline": [{**PIPELINE[0], "skeletons": [[0, 1]] * 300_000}]},
        {"pipeline": [{**PIPELINE[0], "left_kp": ["a"] * 1_000_000}]},
        {"pipeline": "a" * 1_000_000},
        {"frame_dir": "a" * 1_000_000},
        {"img_shape": [1] * 1_000_000},
        {"keypoint": [[[1, 2]] * 500, [[1, 2]] * 499] * 300},
        {"seed": "9" * 1_000_000},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_million_of_anything_is_reported_in_short(client: Client, change: dict[str, Any]) -> None:
    body = json.dumps({**CLIP, **change}).encode()
    problem = client.post(body).problem(422)
    assert len(problem["field"]) <= 60


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"pipeline": [*sampled(10_000, 10_000), *PIPELINE]}, "HEATSVC_MAX_FRAMES"),
        ({"pipeline": [*sampled(16, 10_000), *PIPELINE]}, "HEATSVC_MAX_VOLUME_BYTES"),
        (
            {"keypoint": [[0, 0]], "pipeline": [{"type": "Resize", "scale": 1000.0}] * 60 + PIPELINE},
            "HEATSVC_MAX_MAP_SIDE",
        ),
        ({"pipeline": [{**PIPELINE[0], "scaling": 1000.0}]}, "HEATSVC_MAX_MAP_SIDE"),
        ({"pipeline": [{"type": "CenterCrop", "crop_size": 4096}, *PIPELINE], "dtype": "uint8"}, None),
        (
            {"pipeline": [*PIPELINE, {"type": "Heatmap2Potion", "C": 64}], "img_shape": [900, 900]},
            "HEATSVC_MAX_POTION_BYTES",
        ),
    ],
)
def test_small_requests_for_large_volumes(client: Client, change: dict[str, Any], setting: str | None) -> None:
    response = client.post_json({**CLIP, "keypoint": [[[0, 0], [0, 0], [5, 5]]], **change}, accept_encoding="zstd")
    if setting is None:
        assert response.array().shape == (1, 3, 4096, 4096)
    else:
        assert response.problem(response.status)["setting"] == setting


HEAVY = {
    "crowds on one map": lambda: (
        np.full((64, 3, 1024, 2), 2000.0, np.float32),
        {"pipeline": [{**PIPELINE[0], "sigma": 1000}], "img_shape": [4096, 4096], "reduce": "argmax"},
    ),
    "limbs that are nowhere": lambda: (
        np.full((8, 1, 2, 2), -1000.0, np.float32),
        {
            "pipeline": [
                *sampled(10_000, 16),
                {**PIPELINE[0], "with_limb": True, "skeletons": [[0, 1]] * 4096},
            ],
            "img_shape": [1, 1],
            "reduce": "max",
            "plausibility": "ignore",
        },
    ),
    "pictures": lambda: (
        np.full((32, 10_000, 1, 2), 100.0, np.float32),
        {
            "pipeline": [{**PIPELINE[0], "sigma": 1000}, {"type": "Heatmap2Potion", "C": 2, "option": "I"}],
            "img_shape": [300, 300],
        },
    ),
}


@pytest.mark.parametrize("what", HEAVY)
def test_work_ends_at_its_deadline_and_the_service_responds_meanwhile(serve: Callable[..., Client], what: str) -> None:
    array, options = HEAVY[what]()
    client = serve(request_seconds=0.5, max_volume_bytes=1 << 40, max_potion_bytes=1 << 40)
    sent = {
        "files": [("file", ("a.npy", npy(array)))],
        "data": {"options": json.dumps(options)},
        "headers": {"accept-encoding": "zstd"},
    }

    async def post() -> tuple[Response, int]:
        rendering = asyncio.create_task(client.send("POST", HEATMAP, **sent))
        others = 0
        while not rendering.done():
            await asyncio.sleep(0.02)
            assert (await client.send("GET", "/health/live")).status == 200
            others += 1
        return await rendering, others

    response, others = client.wait(post())
    problem = response.problem(response.status)
    if response.status == 422:
        assert problem["setting"] == "HEATSVC_MAX_MAP_WORK"
    else:
        assert "HEATSVC_REQUEST_SECONDS" in response.problem(503)["detail"]
        assert others > 2


def test_a_thousand_small_clips_do_not_block_the_event_loop(client: Client) -> None:
    body = json.dumps({"clips": [{"keypoint": [[1, 1]], "img_shape": [9, 9]}] * 1024}).encode()
    assert len(body) < 128 << 10

    async def post() -> tuple[Response, int]:
        rendering = asyncio.create_task(
            client.send("POST", HEATMAP, content=body, headers={"content-type": JSON, "accept-encoding": "zstd"})
        )
        turns = 0
        while not rendering.done():
            await asyncio.sleep(0)
            turns += 1
        return await rendering, turns

    response, turns = client.wait(post())
    assert len(response.tensors()) == 1024
    assert turns > 20  # without threads there are fewer


def test_points_far_away_render_nothing(client: Client) -> None:
    for far in (1e30, -1e30, 3e38):
        clip = clip_of(np.array([[[far, 5.0], [5.0, far]]]), pipeline=PIPELINE)
        assert not client.post_json(clip).array().any()
