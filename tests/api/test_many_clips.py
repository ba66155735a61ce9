"""Many clips in one request: one tensor a clip, by name."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.client import CLIP, JSON, NPY, NPZ, PIPELINE, SAFETENSORS, Client

OTHER = {"keypoint": [[[5.0, 6.0]], [[7.0, 8.0]]], "img_shape": [32, 48], "frame_dir": "other.avi"}


@pytest.mark.parametrize("accept", [SAFETENSORS, NPZ])
def test_tensors_are_named_by_frame_dir_or_by_index(client: Client, accept: str) -> None:
    response = client.post_json({"clips": [CLIP, OTHER], "pipeline": PIPELINE}, accept=accept)
    tensors = response.tensors()
    assert response.headers["content-type"] == accept
    assert {name: array.shape for name, array in tensors.items()} == {
        "0": (1, 3, 64, 64),
        "other.avi": (2, 1, 32, 48),
    }
    np.testing.assert_array_equal(tensors["0"], client.post_json({**CLIP, "pipeline": PIPELINE}).array())


def test_several_clips_are_safetensors_by_default(client: Client) -> None:
    assert client.post_json({"clips": [CLIP, OTHER]}).headers["content-type"] == SAFETENSORS
    assert client.post_json({"clips": [CLIP, OTHER]}, accept="*/*").headers["content-type"] == SAFETENSORS


def test_one_clip_of_a_list_is_npy(client: Client) -> None:
    assert client.post_json({"clips": [CLIP], "pipeline": PIPELINE}).array().shape == (1, 3, 64, 64)


def test_one_clip_can_be_named(client: Client) -> None:
    assert set(client.post_json(OTHER, accept=SAFETENSORS).tensors()) == {"other.avi"}
    assert set(client.post_json(CLIP, accept=NPZ).tensors()) == {"imgs"}


def test_options_beside_clips_apply_to_all(client: Client) -> None:
    bare = {"keypoint": CLIP["keypoint"]}
    tensors = client.post_json({"clips": [bare, OTHER], "img_shape": [20, 30], "pipeline": PIPELINE}).tensors()
    assert [tensors[name].shape[-2:] for name in ("0", "other.avi")] == [(20, 30), (32, 48)]


def test_several_threads_can_render_one_response(client: Client) -> None:
    rng = np.random.default_rng(1)
    clips = [{"keypoint": rng.uniform(0, 200, (40, 17, 2)).tolist(), "img_shape": [200, 200]} for _ in range(24)]
    tensors = client.post_json({"clips": clips}, accept_encoding="zstd").tensors()
    assert len(tensors) == 24
    for place in (0, 11, 23):
        np.testing.assert_array_equal(tensors[str(place)], client.post_json(clips[place]).array())


def test_json_holds_small_volumes(client: Client) -> None:
    rendered = client.post_json({**CLIP, "pipeline": PIPELINE}).array()
    response = client.post_json({**CLIP, "pipeline": PIPELINE, "frame_dir": "a"}, accept=JSON)
    [clip] = response.json()["clips"]
    assert (clip["name"], clip["dtype"], clip["shape"]) == ("a", "float32", [1, 3, 64, 64])
    np.testing.assert_array_equal(np.array(clip["imgs"], np.float32), rendered)


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        ({"clips": []}, "clips", "a list of at least one clip"),
        ({"clips": {}}, "clips", "a list of at least one clip"),
        ({"clips": [5]}, "clips[0]", "must be an object with keypoint and img_shape"),
        ({"clips": [CLIP, {"img_shape": [4, 4]}]}, "clips[1].keypoint", "clips[1].keypoint is missing"),
        ({"clips": [CLIP, {**CLIP, "sigma": 1}]}, "clips[1].sigma", "options are keys of the outer object"),
        ({"clips": [CLIP], "keypoint": [[1, 2]]}, "keypoint", "send keypoint or clips, not both"),
        ({"clips": [{**CLIP, "frame_dir": "a"}] * 2}, "clips[1].frame_dir", "clips 0 and 1 are both called 'a'"),
        ({"clips": [CLIP, {**CLIP, "img_shape": [0, 1]}]}, "clips[1].img_shape", "from 1 to 100,000"),
        ({"img_shape": [4, 4]}, "keypoint", 'neither "keypoint" nor "clips"'),
    ],
)
def test_errors_name_the_clip(client: Client, document: object, field: str, said: str) -> None:
    problem = client.post_json(document).problem(422)
    assert problem["field"] == field
    assert said in problem["detail"]


def test_npy_cannot_hold_several_clips(client: Client) -> None:
    problem = client.post_json({"clips": [CLIP, OTHER]}, accept=NPY).problem(406)
    assert problem["field"] == "Accept"
    assert "for several clips: use application/vnd.safetensors, application/x-npz" in problem["detail"]
