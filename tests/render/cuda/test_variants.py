"""Heatmaps of MMPose and of CMU's trainers by torch and by interpreted Triton kernels."""

from __future__ import annotations

import numpy as np
import pytest

from heatsvc.render.array import render_array
from heatsvc.render.cuda import Method, render_batch
from heatsvc.volume import Gaussian
from tests.variants import MMPOSE_VARIANTS, TOLERANCE, Variant, frame


@pytest.mark.parametrize("method", ["torch", "triton"])
@pytest.mark.parametrize("variant", MMPOSE_VARIANTS, ids=lambda variant: variant.name)
def test_golden_files_of_mmpose_are_reproduced(variant: Variant, method: Method) -> None:
    [rendered] = render_batch([variant.volume], method=method)
    np.testing.assert_allclose(rendered[0].numpy(), variant.heatmaps, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("method", ["torch", "triton"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_sums_are_rounded_once(method: Method, dtype: str) -> None:
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(0, 96, (5, 2, 2)).astype(np.float32)
    kind = Gaussian(7, 0.5, 4, 1.5, window="cutoff", peak="one", persons="sum")
    volume = frame(keypoint, np.ones((5, 2), np.float32), (24, 24), kind)
    [rendered] = render_batch([volume], dtype, method=method)
    np.testing.assert_allclose(rendered.float().numpy(), render_array(volume, dtype), rtol=0, atol=1e-3)
