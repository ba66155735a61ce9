"""The service without compiled kernels: slower, and with the same responses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from heatsvc.encode.codings import CODINGS
from heatsvc.encode.devices.selection import find_gpu
from heatsvc.errors import DeviceError
from heatsvc.kernels import KERNELS
from tests.api.client import JSON, NPY, NPZ, SAFETENSORS, Client, clip_of, to_lists
from tests.golden import load_golden, tolerance


@pytest.fixture(autouse=True)
def reference() -> Iterator[None]:
    before = KERNELS.name
    KERNELS.use("reference")
    yield
    KERNELS.use(before)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("media_type", [NPY, NPZ, SAFETENSORS])
def test_every_format_and_coding(client: Client, media_type: str, coding: str, dtype: str) -> None:
    case = load_golden("clip16_test_double")
    clip = clip_of(case.keypoint, case.img_shape, pipeline=case.pipeline, dtype=dtype)
    if case.keypoint_score is not None:
        clip["keypoint_score"] = to_lists(case.keypoint_score)
    response = client.post_json(clip, accept=media_type, accept_encoding=coding)
    # An npz is compressed in itself.
    assert response.headers.get("content-encoding", "identity") == ("identity" if media_type == NPZ else coding)
    (array,) = [response.array()] if media_type == NPY else response.tensors().values()

    expected = case.imgs if dtype == "float32" else np.rint(case.imgs * 255.0)
    assert (array.shape, array.dtype) == (expected.shape, np.dtype(dtype))
    np.testing.assert_allclose(array, expected, rtol=0, atol=tolerance(case) if dtype == "float32" else 1)


def test_json(client: Client) -> None:
    clip = {"keypoint": [[[4.0, 3.0], [9.0, 9.0]]], "img_shape": [10, 12], "pipeline": [{"type": "GeneratePoseTarget"}]}
    (rendered,) = json.loads(client.post_json(clip, accept=JSON, accept_encoding="zstd").body)["clips"]
    assert rendered["imgs"][0][0][3][4] == 1


def test_argmax_and_limbs(client: Client) -> None:
    pipeline = [{"type": "GeneratePoseTarget", "with_limb": True, "skeletons": [[0, 1]]}]
    clip = {"keypoint": [[[4.0, 3.0], [9.0, 9.0]]], "img_shape": [10, 12], "pipeline": pipeline, "reduce": "argmax"}
    array = client.post_json(clip, accept_encoding="deflate").array()
    assert (array[0, 3, 4], array[0, 9, 9], array[0, 9, 0]) == (0, 1, -1)
    assert array[0, 6, 6] == 2


def test_readiness_says_how_to_get_the_compiled_kernels(client: Client) -> None:
    ready = client.get("/health/ready").json()
    assert ready["kernels"] == "reference"
    assert ready["kernels_hint"]


def test_a_gpu_is_not_used() -> None:
    with pytest.raises(DeviceError, match="compiled kernels"):
        find_gpu("cuda")
