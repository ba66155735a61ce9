"""Heatmaps of other projects than PYSKL: MMPose's own results, the formulas of others, and the two kinds of kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from heatsvc.render.array import render_array
from heatsvc.render.cpu import plan
from heatsvc.volume import Gaussian, HeatmapVolume, Potion
from tests.examples import examples
from tests.reference import render_reference
from tests.render.volumes import volumes
from tests.variants import MMPOSE_VARIANTS, TOLERANCE, Variant, describe_mmpose, frame, load_variant

pytestmark = pytest.mark.usefixtures("each_kernels")


@pytest.mark.parametrize("variant", MMPOSE_VARIANTS, ids=lambda variant: variant.name)
def test_golden_files_of_mmpose_are_reproduced(variant: Variant) -> None:
    np.testing.assert_allclose(render_array(variant.volume)[0], variant.heatmaps, rtol=0, atol=TOLERANCE)


def test_persons_of_different_sigma_are_the_maximum_of_their_maps() -> None:
    arrays, meta = load_variant("msra_two_instances")
    maps = [
        render_array(frame(keypoint[None], visible[None], (32, 40), describe_mmpose("msra", sigma)))[0]
        for keypoint, visible, sigma in zip(
            arrays["keypoints"], arrays["keypoints_visible"], meta["params"]["sigma"], strict=True
        )
    ]
    np.testing.assert_allclose(np.maximum(*maps), arrays["heatmaps"], rtol=0, atol=TOLERANCE)


def points(persons: int, width: int, height: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Points [M, V, 2] in and around a frame, and their scores, in tenths."""
    rng = np.random.default_rng(persons)
    xy = rng.uniform(-0.2, 1.2, (persons, 12, 2)) * (width, height)
    xy[:, 0], xy[:, 1] = np.nan, (1e30, 5)
    return xy.astype(np.float32), (rng.integers(1, 11, (persons, 12)) / 10).astype(np.float32)


def distances_squared(xy: npt.NDArray[np.float32], nodes_x: object, nodes_y: object) -> npt.NDArray[np.float64]:
    """[M, V, H, W], of the nodes of a grid; infinite from points that are NaN."""
    x, y = xy.astype(np.float64)[..., None, None].transpose(2, 0, 1, 3, 4)
    squares = (np.asarray(nodes_x) - x) ** 2 + (np.asarray(nodes_y)[:, None] - y) ** 2
    return np.nan_to_num(squares, nan=np.inf)


@pytest.mark.parametrize("window", ["map", "dark"])
def test_whole_maps(window: str) -> None:
    """SLRT's maps, exp(-d**2 / (2 sigma**2)) whatever the score; and DARK's, if 3 sigma around the point are near."""
    xy, score = points(1, 72, 64)
    volume = frame(xy, score, (72, 64), Gaussian(8, eps=0, window=window, peak="one"))
    expected = np.exp(-distances_squared(xy, np.arange(72), np.arange(64)) / 128)[0]
    if window == "dark":
        misses = (xy - 24 >= (72, 64)) | (xy + 25 < 0)
        expected[misses.any(axis=-1)[0]] = 0
        assert not render_array(replace(volume, keypoint=np.full_like(volume.keypoint, -25.5))).any()
    np.testing.assert_allclose(render_array(volume)[0], expected, rtol=0, atol=TOLERANCE)
    # Everything counts: the bounds of the pixels and of the work are those of whole maps.
    (tile,) = plan(volume, 1 << 30).tiles
    assert tile.pixels >= np.count_nonzero(render_array(volume))


def test_a_score_above_a_threshold_is_the_peak() -> None:
    """SLRT's options: nothing where the score is at most 0.5."""
    xy, score = points(1, 48, 40)
    above = Gaussian(8, eps=float(np.nextafter(np.float32(0.5), np.float32(1))), window="map")
    shown = np.where(score > 0.5, score, 0)[..., None, None]
    formula = np.exp(-distances_squared(xy, np.arange(48), np.arange(40)) / 128)
    rendered = render_array(frame(xy, score, (48, 40), above))[0]
    np.testing.assert_allclose(rendered, (shown * formula)[0], rtol=0, atol=TOLERANCE)
    rendered = render_array(frame(xy, score, (48, 40), replace(above, peak="one")))[0]
    np.testing.assert_allclose(rendered, ((shown > 0) * formula)[0], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("persons", [1, 3])
@pytest.mark.parametrize("stride", [4, 8])
def test_persons_are_summed_on_the_grid_of_cmu(persons: int, stride: int) -> None:
    """Node g stands at g * stride + stride / 2 - 0.5; 0 under a hundredth; the sum over persons, at most 1."""
    xy, score = points(persons, 368, 240)
    xy[1:] = xy[:1] + 5
    kind = Gaussian(7, 0.5, stride, stride / 2 - 0.5, window="cutoff", peak="one", persons="sum")
    volume = frame(xy, score, (368 // stride, 240 // stride), kind)
    nodes_x, nodes_y = (np.arange(side // stride) * stride + stride / 2 - 0.5 for side in (368, 240))
    exponent = distances_squared(xy, nodes_x, nodes_y) / 98
    values = np.where((exponent <= 4.6052) & (score >= 0.5)[..., None, None], np.exp(-exponent), 0)
    expected = values.sum(axis=0).clip(max=1)
    np.testing.assert_allclose(render_array(volume)[0], expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(
        render_array(replace(volume, reduce="max"))[0], expected.max(axis=0), rtol=0, atol=TOLERANCE
    )


def test_sigma_counts_nodes_in_sleap() -> None:
    """Nodes stand at 0, stride, 2 stride; exp(-d**2 / (2 (sigma stride)**2)) over the whole map; the maximum."""
    xy, score = points(2, 64, 48)
    volume = frame(xy, score, (32, 24), Gaussian(1.5 * 2, eps=0, stride=2, window="map", peak="one"))
    values = np.exp(-distances_squared(xy, np.arange(32) * 2, np.arange(24) * 2) / 18)
    np.testing.assert_allclose(render_array(volume)[0], values.max(axis=0), rtol=0, atol=TOLERANCE)


@examples(1_000)
@given(volumes())
def test_every_kind_is_as_the_reference_renders_it(volume: HeatmapVolume) -> None:
    tolerance = 2e-5 if len(volume.limbs) else TOLERANCE
    np.testing.assert_allclose(render_array(volume), render_reference(volume), rtol=tolerance, atol=tolerance)


@examples(200)
@given(volumes())
def test_a_mirrored_copy_is_the_mirror_image_of_the_map(volume: HeatmapVolume) -> None:
    plain = replace(volume, double=False, clips=0, reduce="none")
    rendered, both = (
        render_array(plain),
        render_array(replace(plain, double=True, mirror=np.arange(volume.channels, dtype=np.int32))),
    )
    np.testing.assert_allclose(both[volume.frames :], rendered[..., ::-1], rtol=1e-6, atol=1e-6)


def test_a_potion_picture_of_whole_maps() -> None:
    xy, score = points(2, 20, 16)
    volume = frame(xy, score, (20, 16), Gaussian(4, window="map", persons="sum"), potion=Potion(3))
    np.testing.assert_allclose(render_array(volume), render_reference(volume), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "kind",
    [{"window": "map"}, {"window": "mmpose"}, {"center": "rounded"}, {"persons": "sum"}, {"stride": 2}, {"offset": 1}],
)
def test_limbs_are_pyskls(kind: dict[str, object]) -> None:
    keypoint, score = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 2), np.float32)
    with pytest.raises(ValueError, match="limbs can only be rendered with PYSKL's window"):
        HeatmapVolume(keypoint, score, 8, 8, Gaussian(**kind), limbs=np.array([[0, 1]], np.int32))


@pytest.mark.parametrize(
    "kind",
    [
        {"sigma": 0},
        {"sigma": float("nan")},
        {"stride": -1},
        {"eps": -1},
        {"offset": float("inf")},
        {"window": "circle"},
    ],
)
def test_a_gaussian_that_means_nothing_is_refused(kind: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be above 0|is not one of pyskl, mmpose"):
        Gaussian(**kind)
