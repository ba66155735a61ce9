"""Batches of volumes by torch and by interpreted Triton kernels, against the golden files and the CPU kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import LimitError
from heatsvc.render.array import render_array
from heatsvc.render.cuda import Method, render_batch
from heatsvc.render.cuda.packed_batch import can_pack, pack_batch
from heatsvc.render.cuda.renderers import render_with_torch
from heatsvc.volume import Gaussian, HeatmapVolume, Potion
from tests.examples import examples
from tests.golden import GOLDEN, golden_volume, load_golden, tolerance
from tests.render.volumes import volumes

METHODS: list[Method] = ["torch", "triton"]
MAPS = [name for name in GOLDEN if name != "potion"]

# The interpreter takes milliseconds for each map and primitive.
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
packed = volumes().filter(can_pack)
several = examples(150)


def dot(
    x: float = 4.3, y: float = 5.6, *, score: float = 1.0, side: int = 9, sigma: float = 0.6, eps: float = 1e-3
) -> HeatmapVolume:
    """One keypoint of one person in one frame."""
    keypoint, keypoint_score = np.full((1, 1, 1, 2), (x, y), np.float32), np.full((1, 1, 1), score, np.float32)
    return HeatmapVolume(keypoint, keypoint_score, side, side, Gaussian(sigma, eps))


def limb(start: tuple[float, float], end: tuple[float, float], sigma: float = 0.6) -> HeatmapVolume:
    keypoint = np.array([[[start, end]]], np.float32)
    one = np.array([[0, 1]], np.int32)
    return HeatmapVolume(keypoint, np.ones((1, 1, 2), np.float32), 16, 16, Gaussian(sigma), with_kp=False, limbs=one)


def first_frames(volume: HeatmapVolume, count: int) -> HeatmapVolume:
    """Frames first, and only some: the interpreter is slow."""
    return replace(
        volume,
        keypoint=np.ascontiguousarray(volume.keypoint[:, :count]),
        keypoint_score=np.ascontiguousarray(volume.keypoint_score[:, :count]),
        clips=0,
        double=False,
    )


def agree(rendered: torch.Tensor, volume: HeatmapVolume, expected: npt.NDArray[np.float32]) -> None:
    assert tuple(rendered.shape) == expected.shape
    np.testing.assert_allclose(rendered.numpy(), expected, rtol=1e-6, atol=2e-5 if len(volume.limbs) else 2e-6)


@pytest.mark.parametrize("name", MAPS)
def test_golden_files_are_reproduced_by_torch(name: str) -> None:
    case = load_golden(name)
    [rendered] = render_batch([golden_volume(case)], method="torch")
    assert tuple(rendered.shape) == case.imgs.shape
    np.testing.assert_allclose(rendered.numpy(), case.imgs, rtol=0, atol=tolerance(case))


@pytest.mark.parametrize("name", [name for name in MAPS if load_golden(name).imgs.ndim == 4 and "133" not in name])
def test_the_first_frame_of_golden_files_is_reproduced_by_triton(name: str) -> None:
    case = load_golden(name)
    [rendered] = render_batch([first_frames(golden_volume(case), 1)], method="triton")
    np.testing.assert_allclose(rendered.numpy(), case.imgs[:1], rtol=0, atol=tolerance(case))


@pytest.mark.parametrize("name", ["kp_double", "limb_short_double"])
def test_mirrored_copies_of_golden_files_are_reproduced_by_triton(name: str) -> None:
    case = load_golden(name)
    half = len(case.imgs) // 2
    [rendered] = render_batch([replace(first_frames(golden_volume(case), 1), double=True)], method="triton")
    np.testing.assert_allclose(rendered.numpy(), case.imgs[[0, half]], rtol=0, atol=tolerance(case))


@several
@given(st.lists(packed, max_size=5))
def test_torch_renders_any_ragged_batch_as_the_cpu_does(batch: list[HeatmapVolume]) -> None:
    for rendered, volume in zip(render_batch(batch, method="torch"), batch, strict=True):
        agree(rendered, volume, render_array(volume))


@few
@given(st.lists(packed, min_size=1, max_size=3))
def test_triton_renders_any_ragged_batch_as_the_cpu_does(batch: list[HeatmapVolume]) -> None:
    for rendered, volume in zip(render_batch(batch, method="triton"), batch, strict=True):
        agree(rendered, volume, render_array(volume))


@several
@given(st.lists(packed, max_size=4), st.sampled_from(["float32", "float16", "bfloat16", "uint8"]))
def test_a_batch_by_torch_is_its_clips_bit_for_bit(batch: list[HeatmapVolume], dtype: str) -> None:
    assert_same_alone(batch, dtype, "torch")


@few
@given(st.lists(packed, max_size=3), st.sampled_from(["float32", "float16", "bfloat16", "uint8"]))
def test_a_batch_by_triton_is_its_clips_bit_for_bit(batch: list[HeatmapVolume], dtype: str) -> None:
    assert_same_alone(batch, dtype, "triton")


def assert_same_alone(batch: Sequence[HeatmapVolume], dtype: str, method: Method) -> None:
    together = render_batch(batch, dtype, method=method)
    assert len(together) == len(batch)
    for rendered, volume in zip(together, batch, strict=True):
        [alone] = render_batch([volume], dtype, method=method)
        assert alone.dtype == rendered.dtype == getattr(torch, dtype)
        assert torch.equal(rendered, alone)


LARGEST = {"float32": 3.4028234e38, "float16": 65504.0, "bfloat16": 3.3895314e38, "uint8": 255.0}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", LARGEST)
@pytest.mark.parametrize("score", [65519.0, 65520.0, 1e30, 3.4028234e38])
def test_large_scores_are_clipped_to_the_type_and_never_infinite(method: Method, dtype: str, score: float) -> None:
    point = replace(dot(4, 5), keypoint_score=np.full((1, 1, 1), score, np.float32))
    segment = replace(limb((3, 3), (9, 9)), keypoint_score=np.full((1, 1, 2), score, np.float32))
    largest = np.float32(LARGEST[dtype])
    for rendered in render_batch([point, segment], dtype, method=method):
        pixels = rendered.float().numpy()
        assert np.isfinite(pixels).all()
        np.testing.assert_allclose(pixels.max(), min(np.float32(score), largest), rtol=2**-7)
        assert pixels.max() <= largest


def test_maps_of_several_blocks_are_rendered_whole() -> None:
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(-20, 320, (2, 1, 3, 2)).astype(np.float32)
    score = rng.uniform(0.2, 1, (2, 1, 3)).astype(np.float32)
    limbs = np.array([[0, 1], [1, 2]], np.int32)
    large = HeatmapVolume(keypoint, score, 133, 300, Gaussian(8), limbs=limbs)
    small = replace(large, height=7, width=5, reduce="max")
    for rendered, volume in zip(
        render_batch([small, large, small], method="triton"), [small, large, small], strict=True
    ):
        agree(rendered, volume, render_array(volume))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["kp_multi_person", "limb_coco"])
def test_smaller_types_are_the_rounded_float32(name: str, method: Method) -> None:
    volume = first_frames(golden_volume(load_golden(name)), 1)
    [full] = render_batch([volume], method=method)
    [half] = render_batch([volume], "float16", method=method)
    assert torch.equal(half, full.half())
    [brain] = render_batch([volume], "bfloat16", method=method)
    if method == "torch":
        assert torch.equal(brain, full.bfloat16())
    else:
        # The interpreter cuts where the compiled kernel rounds (see test_compiled).
        assert torch.equal(brain.float(), (full.view(torch.int32) >> 16 << 16).view(torch.float32))
    [whole] = render_batch([volume], "uint8", method=method)
    assert torch.equal(whole, (full * 255).round().to(torch.uint8))
    assert whole.max() > 200


@pytest.mark.parametrize("method", METHODS)
def test_a_score_above_one_is_255_in_uint8(method: Method) -> None:
    assert render_batch([dot(4, 4, score=7.5)], "uint8", method=method)[0][0, 0, 4, 4] == 255


@pytest.mark.parametrize("method", METHODS)
def test_a_window_is_cut_towards_zero_in_float64(method: Method) -> None:
    # float32 has 2.8 a little under it: in float64 1.8 less is under 1, in float32 it would be 1.
    left, right = render_batch([dot(2.8), dot(6.2)], method=method)
    assert left[0, 0].amax(0).nonzero().flatten().tolist() == [0, 1, 2, 3, 4]
    # It has 6.2 under it too: 1.8 more is under 8 in float64, and would be 8 in float32.
    assert right[0, 0].amax(0).nonzero().flatten().tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("method", METHODS)
def test_a_score_under_eps_renders_nothing(method: Method) -> None:
    low, enough = render_batch([dot(score=9.9e-4), dot(score=9.9e-4, eps=1e-4)], method=method)
    assert not low.any()
    assert enough.any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("far", [1e9, -1e9, 3e38, float("nan")])
def test_what_is_far_away_or_nowhere_renders_nothing(far: float, method: Method) -> None:
    assert not any(rendered.any() for rendered in render_batch([dot(far, 3), dot(3, far)], method=method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("far", [1e3, 1e12, 3e38])
def test_a_far_end_renders_what_a_nearer_one_in_its_direction_draws(far: float, method: Method) -> None:
    near_end, far_end, from_far = render_batch(
        [limb((5, 6), (105, 6)), limb((5, 6), (far, 6)), limb((far, 6), (5, 6))], method=method
    )
    assert near_end.max() == 1
    assert torch.allclose(far_end, near_end, rtol=0, atol=2e-6)
    assert torch.allclose(from_far, near_end, rtol=0, atol=2e-6)


def test_pixels_do_not_depend_on_the_chunk_they_are_in() -> None:
    volume = golden_volume(load_golden("kp_multi_person"))
    batch = pack_batch([volume, volume], 4, DEFAULT_BOUNDS)
    one, other = torch.empty(2, batch.pixels)
    render_with_torch(batch, one, chunk=1_001)
    render_with_torch(batch, other, chunk=10_000_000)
    assert torch.equal(one, other)


def test_a_batch_is_one_allocation() -> None:
    one, two = render_batch([dot(), dot(side=11)], method="torch")
    assert one.untyped_storage().data_ptr() == two.untyped_storage().data_ptr()
    assert one.is_contiguous()
    assert two.is_contiguous()


@pytest.mark.parametrize("method", METHODS)
def test_no_volumes_and_empty_volumes(method: Method) -> None:
    assert render_batch([], method=method) == []
    none = replace(dot(), keypoint=np.zeros((1, 0, 1, 2), np.float32), keypoint_score=np.zeros((1, 0, 1), np.float32))
    empty, rendered = render_batch([none, dot()], method=method)
    assert empty.shape == (0, 1, 9, 9)
    assert rendered.any()


SUMS = {"gaussian": Gaussian(persons="sum"), "reduce": "max"}


@pytest.mark.parametrize("kind", [{"potion": Potion(3)}, {"reduce": "argmax"}, SUMS])
def test_what_only_the_cpu_renders_is_refused(kind: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"volumes\[1\] is .*: use heatsvc.render.array.render_array"):
        render_batch([dot(), replace(dot(), **kind)])


def test_sizes_are_checked_before_anything_is_allocated() -> None:
    wide = replace(dot(), height=4096, width=4096)
    with pytest.raises(LimitError, match="max_volume_bytes"):
        render_batch([wide] * 65)
    crowd = replace(dot(sigma=900), keypoint=np.zeros((64, 1, 1, 2), np.float32), height=99, width=99)
    crowd = replace(crowd, keypoint_score=np.ones((64, 1, 1), np.float32))
    with pytest.raises(LimitError, match="max_map_work"):
        render_batch([crowd], bounds=replace(DEFAULT_BOUNDS, max_map_work=64 * 99 * 99 - 1))
    # A map of one pixel takes more to describe than to render.
    dots = replace(dot(side=1), keypoint=np.zeros((1, 99, 1, 2), np.float32))
    dots = replace(dots, keypoint_score=np.ones((1, 99, 1), np.float32))
    with pytest.raises(LimitError, match="to describe"):
        render_batch([dots], bounds=replace(DEFAULT_BOUNDS, max_volume_bytes=1_000))
