"""Requests that once made a loop write behind its arrays, or held the event loop."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np

from tests.api.asking import Asker

LIMB: dict[str, Any] = {"type": "GeneratePoseTarget", "with_kp": False, "with_limb": True, "skeletons": [[0, 1]]}


def test_a_limb_to_the_end_of_float32_is_drawn_to_the_border(service: Asker) -> None:
    for far in (1e19, -1e30, 3e38):
        asked = {"keypoint": [[5, 5], [far, 5]], "img_shape": [16, 16], "pipeline": [LIMB]}
        image = service.draw(asked).array()[0, 0]
        np.testing.assert_array_equal(image[5, 7:] if far > 0 else image[5, :4], 1)


def test_the_rims_of_endless_limbs(service: Asker) -> None:
    far, slope = 5.978001063970342e17, 3.0795962304891913
    crossing = [[[-far, -slope * far - 62.5], [far, slope * far - 62.5]]] * 15
    asked = {
        "keypoint": [crossing, [[[0, 0], [0, 0]]] * 15],
        "keypoint_score": [[[1, 1]] * 15, [[0, 0]] * 15],
        "img_shape": [512, 512],
        "pipeline": [{**LIMB, "sigma": 48.72328695273836}],
    }
    assert service.draw(asked, accept_encoding="zstd").array().shape == (15, 1, 512, 512)


def test_a_picture_of_gaps_of_a_few_bytes(service: Asker) -> None:
    height = 800
    persons = [[[[x, 0], [x, height - 1], [0, 0], [0, 0]]] for x in (100, 350)]
    target = {**LIMB, "skeletons": [[0, 1], *[[2, 3]] * 7]}
    asked = {
        "keypoint": persons,
        "keypoint_score": [[[1, 1, 0, 0]]] * 2,
        "img_shape": [height, 600],
        "dtype": "uint8",
        "pipeline": [target, {"type": "Heatmap2Potion", "C": 2, "option": "I"}],
    }
    plain = service.draw(asked).array()
    assert plain.max() == 255
    for coding in ("zstd", "deflate", "gzip"):
        np.testing.assert_array_equal(service.draw(asked, accept_encoding=coding).array(), plain)


def test_a_point_selected_a_thousand_times_does_not_hold_the_service_up(service: Asker) -> None:
    steps = [{"type": "PoseCompact"}, {"type": "Resize", "scale": [9, 9], "keep_ratio": False}] * 31
    points = np.random.default_rng(0).integers(0, 9, (1, 5_000, 1, 2), dtype=np.uint8).tolist()
    asked = {"keypoint": points, "img_shape": [9, 9], "select": [0] * 1_000, "reduce": "max"}

    async def both() -> float:
        drawing = asyncio.ensure_future(
            service.asking("POST", "/heatmap", json={**asked, "pipeline": [*steps, {"type": "GeneratePoseTarget"}]})
        )
        longest = 0.0
        while not drawing.done():
            await asyncio.sleep(0.01)
            started = time.monotonic()
            assert (await service.asking("GET", "/health/live")).status == 200
            longest = max(longest, time.monotonic() - started)
        assert (await drawing).status in (200, 413)
        return longest

    assert service.wait(both()) < 1.5  # on the event loop it took five seconds
