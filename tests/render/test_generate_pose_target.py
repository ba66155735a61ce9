"""GeneratePoseTarget over every one of its parameters, from clip to pixels, compared with the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.pipeline import parse_pipeline
from heatsvc.pose import PoseClip
from heatsvc.pose.findings import Interpretation
from heatsvc.render.array import render_array
from tests.examples import examples
from tests.reference import generate_pose_target
from tests.render.volumes import coordinates, scores, sigmas


@st.composite
def pairs(draw: st.DrawFn, count: int) -> tuple[list[int], list[int]]:
    """Some of the numbers under `count` as left ones, as many others as right ones."""
    mixed = draw(st.permutations(range(count)))
    size = draw(st.integers(0, count // 2))
    return mixed[:size], mixed[size : 2 * size]


@st.composite
def cases(draw: st.DrawFn) -> tuple[PoseClip, dict[str, Any]]:
    """A clip of a few points on a map of a few pixels, and all parameters of the step."""
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 4))
    size = int(np.prod(shape))
    keypoint = np.array(draw(st.lists(coordinates, min_size=2 * size, max_size=2 * size)), np.float32)
    score = np.array(draw(st.lists(scores, min_size=size, max_size=size)), np.float32)
    ends = st.integers(0, shape[2] - 1)
    skeletons = draw(st.lists(st.tuples(ends, ends), min_size=1, max_size=3))
    with_kp = draw(st.booleans())
    with_limb = draw(st.booleans()) or not with_kp
    left_kp, right_kp = draw(pairs(shape[2]))
    left_limb, right_limb = draw(pairs(len(skeletons)))
    if with_limb:
        # A limb that is 1e30 pixels long has no direction that float32 could tell.
        keypoint = np.clip(keypoint, -200, 200)
    clip = PoseClip.build(
        keypoint.reshape(*shape, 2),
        score.reshape(shape),
        img_shape=(draw(st.integers(1, 18)), draw(st.integers(1, 18))),
        interpretation=Interpretation(plausibility="ignore"),
    )
    return clip, {
        "sigma": draw(sigmas),
        "use_score": draw(st.booleans()),
        "with_kp": with_kp,
        "with_limb": with_limb,
        "skeletons": skeletons,
        "double": draw(st.booleans()),
        "left_kp": left_kp,
        "right_kp": right_kp,
        "left_limb": left_limb,
        "right_limb": right_limb,
        "scaling": draw(st.sampled_from([1.0, 1.0, 0.5, 0.77, 1.6])),
        "eps": draw(st.sampled_from([1e-3, 1e-4])),
    }


@examples(1_500)
@given(cases())
def test_random_cases_equal_the_reference(case: tuple[PoseClip, dict[str, Any]]) -> None:
    assert_equals_the_reference(case)


@pytest.mark.slow
@examples(10_000)
@given(cases())
def test_ten_thousand_cases_equal_the_reference(case: tuple[PoseClip, dict[str, Any]]) -> None:
    assert_equals_the_reference(case)


def assert_equals_the_reference(case: tuple[PoseClip, dict[str, Any]]) -> None:
    clip, parameters = case
    if int(min(clip.img_shape) * parameters["scaling"] + 0.5) < 1:
        parameters["scaling"] = 1.0
    volume = parse_pipeline([{"type": "GeneratePoseTarget", **parameters}]).run(clip)
    expected = generate_pose_target(clip.keypoint, clip.keypoint_score, clip.img_shape, **parameters)
    rendered = render_array(volume)
    assert rendered.shape == expected.shape
    # 2e-6, limbs 2e-5; relative where a score above 1 makes the pixels larger.
    np.testing.assert_allclose(rendered, expected, rtol=2e-6, atol=2e-5 if parameters["with_limb"] else 2e-6)
