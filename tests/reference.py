"""The reference renderer on whole volumes, and PYSKL's GeneratePoseTarget from its parameters alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.render.reference import Float32, render_maps, render_potion
from heatsvc.volume import Gaussian, HeatmapVolume


def render_reference(volume: HeatmapVolume) -> npt.NDArray[Any]:
    """The array of `volume.shape`: float32, or int16 of channel indices for `argmax`."""
    if volume.potion:
        return render_potion(volume, volume.potion)
    return render_maps(volume, 0, volume.maps).reshape(volume.shape)


def generate_pose_target(
    keypoint: Float32,
    score: Float32,
    img_shape: tuple[int, int],
    *,
    skeletons: list[tuple[int, int]],
    left_kp: list[int],
    right_kp: list[int],
    left_limb: list[int],
    right_limb: list[int],
    sigma: float = 0.6,
    use_score: bool = True,
    with_kp: bool = True,
    with_limb: bool = False,
    double: bool = False,
    scaling: float = 1.0,
    eps: float = 1e-3,
) -> Float32:
    """PYSKL's GeneratePoseTarget from its parameters alone, [T, K, H, W]: no layout, no pipeline, no volume's order."""
    height, width = (int(side * scaling + 0.5) for side in img_shape)
    plain = HeatmapVolume(
        keypoint=keypoint * np.float32(scaling),
        keypoint_score=score if use_score else np.ones_like(score),
        height=height,
        width=width,
        gaussian=Gaussian(sigma, eps),
        with_kp=with_kp,
        limbs=np.array(skeletons if with_limb else [], np.int32).reshape(-1, 2),
    )
    maps: Float32 = render_reference(plain)
    if not double:
        return maps
    order = list(range(maps.shape[1]))
    first_limb = keypoint.shape[2] if with_kp else 0
    if with_kp:
        for left, right in zip(left_kp, right_kp, strict=True):
            order[left], order[right] = right, left
    if with_limb:
        for left, right in zip(left_limb, right_limb, strict=True):
            order[first_limb + left], order[first_limb + right] = first_limb + right, first_limb + left
    return np.concatenate([maps, maps[:, order, :, ::-1]])
