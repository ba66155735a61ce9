"""Options: what each changes in the volume, and that they mean the same in JSON, in a query and in a form."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.api.asking import CLIP, DRAW, NPY, Asker, clip_of
from tests.pose.readers.samples import npy

RNG = np.random.default_rng(7)
BODY = np.concatenate([RNG.uniform(2, 60, (1, 3, 133, 2)), RNG.uniform(0.1, 1, (1, 3, 133, 1))], axis=-1)
PLAIN = clip_of(BODY, pipeline=DRAW)
RANDOM = [{"type": "Flip", "flip_ratio": 0.5}, {"type": "RandomResizedCrop"}, *DRAW]


def volume(service: Asker, **options: Any) -> np.ndarray:
    return service.draw({**PLAIN, **options}).array()


def test_select_takes_a_smaller_layout(service: Asker) -> None:
    hands = [91, 95, 96, 99, 100, 103, 104, 107, 108, 111]
    right = [112, 116, 117, 120, 121, 124, 125, 128, 129, 132]
    chosen = [0, 5, 6, 7, 8, 9, 10, *hands, *right]
    np.testing.assert_array_equal(volume(service, select="sign27"), volume(service)[:, chosen])


def test_select_takes_points_by_position(service: Asker) -> None:
    np.testing.assert_array_equal(volume(service, select=[5, 0, 5]), volume(service)[:, [5, 0, 5]])


def test_layout_says_what_the_points_are(service: Asker) -> None:
    clip = clip_of(BODY[:, :, :27], layout="sign27", pipeline=[{**DRAW[0], "with_kp": False, "with_limb": True}])
    assert service.draw(clip).array().shape == (3, 26, 64, 64)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_dtype(service: Asker, dtype: str) -> None:
    exact = volume(service)
    expected = {"float32": exact, "float16": exact.astype(np.float16), "uint8": np.rint(exact * 255.0)}
    drawn = volume(service, dtype=dtype)
    assert drawn.dtype == dtype
    np.testing.assert_array_equal(drawn, expected[dtype].astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_compression_changes_the_size_and_no_pixel(service: Asker, dtype: str) -> None:
    asked = {**PLAIN, "dtype": dtype}
    answers = {
        name: service.draw({**asked, "compression": name}, accept_encoding="zstd") for name in ("fast", "small", None)
    }
    sizes = {name: len(answer.wire) for name, answer in answers.items()}
    assert sizes["small"] < sizes["fast"]
    assert sizes[None] == sizes["fast" if dtype == "float32" else "small"]
    for answer in answers.values():
        np.testing.assert_array_equal(answer.array(), volume(service, dtype=dtype))
    deflated = [service.draw({**asked, "compression": name}, accept_encoding="deflate") for name in ("fast", "small")]
    assert deflated[0].wire == deflated[1].wire


def test_reduce_max_keeps_the_largest_of_the_channels(service: Asker) -> None:
    np.testing.assert_array_equal(volume(service, reduce="max"), volume(service).max(axis=1))


def test_reduce_argmax_tells_the_channel_that_has_it(service: Asker) -> None:
    full, drawn = volume(service), volume(service, reduce="argmax")
    assert drawn.dtype == np.int16
    np.testing.assert_array_equal(drawn, np.where(full.max(axis=1) > 0, full.argmax(axis=1), -1))


def test_random_steps_are_the_same_each_time_in_test_mode(service: Asker) -> None:
    first = service.draw({**PLAIN, "pipeline": RANDOM})
    np.testing.assert_array_equal(first.array(), volume(service, pipeline=RANDOM))
    assert "x-heatmap-seed" not in first.headers


def test_random_steps_draw_from_the_seed(service: Asker) -> None:
    one = service.draw({**PLAIN, "pipeline": RANDOM, "test_mode": False, "seed": 11})
    assert one.headers["x-heatmap-seed"] == "11"
    again, other = (volume(service, pipeline=RANDOM, test_mode=False, seed=seed) for seed in (11, 12))
    np.testing.assert_array_equal(one.array(), again)
    assert not np.array_equal(again, other)


def test_the_seed_that_was_drawn_comes_back_and_gives_the_same_volume(service: Asker) -> None:
    one = service.draw({**PLAIN, "pipeline": RANDOM, "test_mode": False})
    seed = int(one.headers["x-heatmap-seed"])
    np.testing.assert_array_equal(one.array(), volume(service, pipeline=RANDOM, test_mode=False, seed=seed))


def test_nothing_random_has_no_seed(service: Asker) -> None:
    assert "x-heatmap-seed" not in service.draw({**PLAIN, "test_mode": False}).headers


def test_each_clip_draws_from_a_seed_of_its_own(service: Asker) -> None:
    clip = {name: PLAIN[name] for name in ("keypoint", "img_shape")}
    shared = {"pipeline": RANDOM, "test_mode": False}
    tensors = service.draw({"clips": [clip, clip], **shared, "seed": 3}).tensors()
    for place, seed in enumerate((3, 4)):
        np.testing.assert_array_equal(tensors[str(place)], volume(service, **shared, seed=seed))


def test_null_and_nan_mean_not_detected(service: Asker) -> None:
    points = [[[10.0, 20.0], [None, 40.0], [55.0, None]]]
    drawn = service.draw({"keypoint": points, "img_shape": [64, 64], "pipeline": DRAW})
    assert drawn.array().any(axis=(0, 2, 3)).tolist() == [True, False, False]
    array = np.array(points, float)
    np.testing.assert_array_equal(service.draw_array(array, img_shape="64,64", pipeline=DRAW).array(), drawn.array())


def test_a_score_of_null_means_not_detected(service: Asker) -> None:
    drawn = service.draw({**CLIP, "keypoint_score": [[1, None, 0.5]], "pipeline": DRAW}).array()
    assert drawn.max(axis=(0, 2, 3)).tolist() == [1.0, 0.0, 0.5]


def test_options_mean_the_same_in_json_query_and_form(service: Asker) -> None:
    options = {
        "pipeline": DRAW,
        "select": [1, 0, 9],
        "dtype": "float16",
        "reduce": "max",
        "test_mode": False,
        "seed": 5,
        "layout": "coco_wholebody",
    }
    shaped = {**options, "img_shape": [64, 64]}
    bodies = [
        service.draw({**clip_of(BODY), **options}),
        service.draw_array(BODY, **shaped),
        service.send_files({"clip.npy": npy(BODY)}, shaped),
    ]
    as_text = {**shaped, "img_shape": "64,64", "select": "1,0,9", "pipeline": json.dumps(DRAW)}
    bodies.append(service.post(npy(BODY), NPY, as_text))
    assert [answer.array().shape for answer in bodies] == [(3, 64, 64)] * 4
    assert len({answer.wire for answer in bodies}) == 1


def test_a_clip_may_have_one_person_or_one_frame(service: Asker) -> None:
    shapes = [service.draw(clip_of(part, pipeline=DRAW)).array().shape for part in (BODY[0], BODY[0, 0])]
    assert shapes == [(3, 133, 64, 64), (1, 133, 64, 64)]
