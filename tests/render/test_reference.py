"""The reference renderer in the place of the compiled kernels: slower, and the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.kernels import KERNELS, KernelsError
from heatsvc.render.array import render_array
from heatsvc.render.cpu import convert, plan, render_patches, render_runs
from heatsvc.volume import HeatmapVolume
from tests.examples import examples
from tests.golden import GOLDEN, golden_volume, load_golden, tolerance
from tests.reference import render_reference
from tests.render.volumes import volumes


@pytest.fixture(autouse=True, scope="module")
def reference() -> Iterator[None]:
    before = KERNELS.name
    KERNELS.use("reference")
    yield
    KERNELS.use(before)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_files_are_reproduced(name: str) -> None:
    case = load_golden(name)
    rendered = render_array(golden_volume(case))

    assert rendered.shape == case.imgs.shape
    np.testing.assert_allclose(rendered, case.imgs, rtol=0, atol=tolerance(case))


@examples(100)
@given(volumes(), st.integers(1, 500))
def test_tiles_put_together_are_the_whole(volume: HeatmapVolume, tile_pixels: int) -> None:
    dtype = "int16" if volume.reduce == "argmax" else "uint8"
    expected = convert(render_reference(volume), dtype).reshape(-1)
    parts = []
    for tile in plan(volume, tile_pixels).tiles:
        runs = render_runs(volume, tile, dtype)
        part = np.full(runs.size, -1 if runs.fill else 0, expected.dtype)
        part[runs.run_mask()] = runs.values
        parts.append(part)
        assert runs.values.size <= tile.pixels + tile.runs * 8
        assert runs.start.size <= tile.runs + 1
        assert render_patches(volume, tile) is None

    np.testing.assert_array_equal(np.concatenate(parts) if parts else expected, expected)


def test_a_choice_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KernelsError, match="auto, native or reference"):
        KERNELS.use("fast")
