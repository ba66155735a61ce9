"""Options: what each changes in the volume, and that they mean the same in JSON, in a query and in a form."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.api.client import CLIP, NPY, PIPELINE, Client, clip_of
from tests.pose.readers.samples import npy

RNG = np.random.default_rng(7)
BODY = np.concatenate([RNG.uniform(2, 60, (1, 3, 133, 2)), RNG.uniform(0.1, 1, (1, 3, 133, 1))], axis=-1)
PLAIN = clip_of(BODY, pipeline=PIPELINE)
RANDOM = [{"type": "Flip", "flip_ratio": 0.5}, {"type": "RandomResizedCrop"}, *PIPELINE]


def volume(client: Client, **options: Any) -> np.ndarray:
    return client.post_json({**PLAIN, **options}).array()


def test_select_takes_a_smaller_layout(client: Client) -> None:
    hands = [91, 95, 96, 99, 100, 103, 104, 107, 108, 111]
    right = [112, 116, 117, 120, 121, 124, 125, 128, 129, 132]
    chosen = [0, 5, 6, 7, 8, 9, 10, *hands, *right]
    np.testing.assert_array_equal(volume(client, select="sign27"), volume(client)[:, chosen])


def test_select_takes_points_by_position(client: Client) -> None:
    np.testing.assert_array_equal(volume(client, select=[5, 0, 5]), volume(client)[:, [5, 0, 5]])


def test_layout_says_what_the_points_are(client: Client) -> None:
    clip = clip_of(BODY[:, :, :27], layout="sign27", pipeline=[{**PIPELINE[0], "with_kp": False, "with_limb": True}])
    assert client.post_json(clip).array().shape == (3, 26, 64, 64)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_dtype(client: Client, dtype: str) -> None:
    exact = volume(client)
    expected = {"float32": exact, "float16": exact.astype(np.float16), "uint8": np.rint(exact * 255.0)}
    rendered = volume(client, dtype=dtype)
    assert rendered.dtype == dtype
    np.testing.assert_array_equal(rendered, expected[dtype].astype(dtype))


@pytest.mark.parametrize(("dtype", "largest"), [("float32", np.float32(1e30)), ("float16", 65504), ("uint8", 255)])
def test_a_score_beyond_a_dtype_gives_its_largest_number(client: Client, dtype: str, largest: float) -> None:
    clip = {"keypoint": [[[10, 20]]], "keypoint_score": [[1e30]], "img_shape": [64, 64], "pipeline": PIPELINE}
    volume = client.post_json({**clip, "dtype": dtype}).array()
    assert volume.max() == volume[0, 0, 20, 10] == largest


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_compression_changes_the_size_and_no_pixel(client: Client, dtype: str) -> None:
    document = {**PLAIN, "dtype": dtype}
    responses = {
        name: client.post_json({**document, "compression": name}, accept_encoding="zstd")
        for name in ("fast", "small", None)
    }
    sizes = {name: len(response.wire) for name, response in responses.items()}
    assert sizes["small"] < sizes["fast"]
    assert sizes[None] == sizes["fast" if dtype == "float32" else "small"]
    for response in responses.values():
        np.testing.assert_array_equal(response.array(), volume(client, dtype=dtype))
    deflated = [
        client.post_json({**document, "compression": name}, accept_encoding="deflate") for name in ("fast", "small")
    ]
    assert deflated[0].wire == deflated[1].wire


def test_reduce_max_keeps_the_largest_of_the_channels(client: Client) -> None:
    np.testing.assert_array_equal(volume(client, reduce="max"), volume(client).max(axis=1))


def test_reduce_argmax_gives_the_channel_of_the_largest(client: Client) -> None:
    full, rendered = volume(client), volume(client, reduce="argmax")
    assert rendered.dtype == np.int16
    np.testing.assert_array_equal(rendered, np.where(full.max(axis=1) > 0, full.argmax(axis=1), -1))


def test_random_steps_are_the_same_each_time_in_test_mode(client: Client) -> None:
    first = client.post_json({**PLAIN, "pipeline": RANDOM})
    np.testing.assert_array_equal(first.array(), volume(client, pipeline=RANDOM))
    assert "x-heatmap-seed" not in first.headers


def test_random_steps_use_the_seed(client: Client) -> None:
    one = client.post_json({**PLAIN, "pipeline": RANDOM, "test_mode": False, "seed": 11})
    assert one.headers["x-heatmap-seed"] == "11"
    again, other = (volume(client, pipeline=RANDOM, test_mode=False, seed=seed) for seed in (11, 12))
    np.testing.assert_array_equal(one.array(), again)
    assert not np.array_equal(again, other)


def test_a_random_seed_is_returned_and_reproduces_the_volume(client: Client) -> None:
    one = client.post_json({**PLAIN, "pipeline": RANDOM, "test_mode": False})
    seed = int(one.headers["x-heatmap-seed"])
    np.testing.assert_array_equal(one.array(), volume(client, pipeline=RANDOM, test_mode=False, seed=seed))


def test_nothing_random_has_no_seed(client: Client) -> None:
    assert "x-heatmap-seed" not in client.post_json({**PLAIN, "test_mode": False}).headers


def test_each_clip_has_its_own_seed(client: Client) -> None:
    clip = {name: PLAIN[name] for name in ("keypoint", "img_shape")}
    shared = {"pipeline": RANDOM, "test_mode": False}
    tensors = client.post_json({"clips": [clip, clip], **shared, "seed": 3}).tensors()
    for place, seed in enumerate((3, 4)):
        np.testing.assert_array_equal(tensors[str(place)], volume(client, **shared, seed=seed))


def test_null_and_nan_mean_not_detected(client: Client) -> None:
    points = [[[10.0, 20.0], [None, 40.0], [55.0, None]]]
    rendered = client.post_json({"keypoint": points, "img_shape": [64, 64], "pipeline": PIPELINE})
    assert rendered.array().any(axis=(0, 2, 3)).tolist() == [True, False, False]
    array = np.array(points, float)
    np.testing.assert_array_equal(
        client.post_npy(array, img_shape="64,64", pipeline=PIPELINE).array(), rendered.array()
    )


def test_a_score_of_null_means_not_detected(client: Client) -> None:
    rendered = client.post_json({**CLIP, "keypoint_score": [[1, None, 0.5]], "pipeline": PIPELINE}).array()
    assert rendered.max(axis=(0, 2, 3)).tolist() == [1.0, 0.0, 0.5]


def test_options_mean_the_same_in_json_query_and_form(client: Client) -> None:
    options = {
        "pipeline": PIPELINE,
        "select": [1, 0, 9],
        "dtype": "float16",
        "reduce": "max",
        "test_mode": False,
        "seed": 5,
        "layout": "coco_wholebody",
    }
    shaped = {**options, "img_shape": [64, 64]}
    bodies = [
        client.post_json({**clip_of(BODY), **options}),
        client.post_npy(BODY, **shaped),
        client.post_files({"clip.npy": npy(BODY)}, shaped),
    ]
    as_text = {**shaped, "img_shape": "64,64", "select": "1,0,9", "pipeline": json.dumps(PIPELINE)}
    bodies.append(client.post(npy(BODY), NPY, as_text))
    assert [response.array().shape for response in bodies] == [(3, 64, 64)] * 4
    assert len({response.wire for response in bodies}) == 1


def test_a_clip_may_have_one_person_or_one_frame(client: Client) -> None:
    shapes = [client.post_json(clip_of(part, pipeline=PIPELINE)).array().shape for part in (BODY[0], BODY[0, 0])]
    assert shapes == [(3, 133, 64, 64), (1, 133, 64, 64)]
