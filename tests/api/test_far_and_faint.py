"""Requests that once made a kernel write after its arrays, or blocked the event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from tests.api.client import Client

LIMB: dict[str, Any] = {"type": "GeneratePoseTarget", "with_kp": False, "with_limb": True, "skeletons": [[0, 1]]}


def test_a_limb_to_the_largest_float32_is_rendered_up_to_the_border(client: Client) -> None:
    for far in (1e19, -1e30, 3e38):
        document = {"keypoint": [[5, 5], [far, 5]], "img_shape": [16, 16], "pipeline": [LIMB]}
        image = client.post_json(document).array()[0, 0]
        np.testing.assert_array_equal(image[5, 7:] if far > 0 else image[5, :4], 1)


def test_the_rims_of_endless_limbs(client: Client) -> None:
    far, slope = 5.978001063970342e17, 3.0795962304891913
    crossing = [[[-far, -slope * far - 62.5], [far, slope * far - 62.5]]] * 15
    document = {
        "keypoint": [crossing, [[[0, 0], [0, 0]]] * 15],
        "keypoint_score": [[[1, 1]] * 15, [[0, 0]] * 15],
        "img_shape": [512, 512],
        "pipeline": [{**LIMB, "sigma": 48.72328695273836}],
        "plausibility": "ignore",
    }
    assert client.post_json(document, accept_encoding="zstd").array().shape == (15, 1, 512, 512)


def test_a_picture_of_gaps_of_a_few_bytes(client: Client) -> None:
    height = 800
    persons = [[[[x, 0], [x, height - 1], [0, 0], [0, 0]]] for x in (100, 350)]
    target = {**LIMB, "skeletons": [[0, 1], *[[2, 3]] * 7]}
    document = {
        "keypoint": persons,
        "keypoint_score": [[[1, 1, 0, 0]]] * 2,
        "img_shape": [height, 600],
        "dtype": "uint8",
        "pipeline": [target, {"type": "Heatmap2Potion", "C": 2, "option": "I"}],
    }
    plain = client.post_json(document).array()
    assert plain.max() == 255
    for coding in ("zstd", "deflate", "gzip"):
        np.testing.assert_array_equal(client.post_json(document, accept_encoding=coding).array(), plain)


def test_a_point_selected_a_thousand_times_does_not_block_the_event_loop(client: Client) -> None:
    steps = [{"type": "PoseCompact"}, {"type": "Resize", "scale": [9, 9], "keep_ratio": False}] * 31
    points = np.random.default_rng(0).integers(0, 9, (1, 5_000, 1, 2), dtype=np.uint8).tolist()
    document = {"keypoint": points, "img_shape": [9, 9], "select": [0] * 1_000, "reduce": "max"}

    async def count_others() -> int:
        rendering = asyncio.ensure_future(
            client.send("POST", "/heatmap", json={**document, "pipeline": [*steps, {"type": "GeneratePoseTarget"}]})
        )
        others = 0
        while not rendering.done():
            await asyncio.sleep(0.01)
            assert (await client.send("GET", "/health/live")).status == 200
            others += 1
        assert (await rendering).status in (200, 413)
        return others

    assert client.wait(count_others()) > 5
