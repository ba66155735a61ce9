"""Every golden file through `POST /heatmap`: as JSON and as an array, in every coding."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from heatsvc.encode.codings import CODINGS
from tests.api.client import Client, clip_of, to_lists
from tests.golden import GOLDEN, Golden, load_golden, tolerance

case_of = cache(load_golden)


def check(case: Golden, rendered: np.ndarray) -> None:
    assert (rendered.shape, rendered.dtype) == (case.imgs.shape, np.float32)
    np.testing.assert_allclose(rendered, case.imgs, rtol=0, atol=tolerance(case))


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("name", GOLDEN)
def test_json(client: Client, name: str, coding: str) -> None:
    case = case_of(name)
    clip = clip_of(case.keypoint, case.img_shape, pipeline=case.pipeline)
    if case.keypoint_score is not None:
        clip["keypoint_score"] = to_lists(case.keypoint_score)
    response = client.post_json(clip, accept_encoding=coding)
    assert response.headers.get("content-encoding", "identity") == coding
    check(case, response.array())


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("name", GOLDEN)
def test_npy(client: Client, name: str, coding: str) -> None:
    case = case_of(name)
    array = case.keypoint
    if case.keypoint_score is not None:
        array = np.concatenate([array, case.keypoint_score[..., None]], axis=-1)
    headers = {"accept-encoding": coding}
    response = client.post_npy(array, headers, img_shape=list(case.img_shape), pipeline=case.pipeline)
    assert response.headers.get("content-encoding", "identity") == coding
    check(case, response.array())
