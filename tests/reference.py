"""The reference renderer: formulas, pixel by pixel, in float64. The kernels are compared with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.volume import HeatmapVolume, Potion

Float32 = npt.NDArray[np.float32]


def render_reference(volume: HeatmapVolume) -> npt.NDArray[Any]:
    """The array of `volume.shape`: float32, or int16 of channel indices for `argmax`."""
    frames = render_frames(volume)
    if volume.potion:
        return _potion(frames, volume, volume.potion)
    if volume.reduce == "max":
        maps: npt.NDArray[Any] = frames.max(axis=1)
    elif volume.reduce == "argmax":
        maps = np.where(frames.max(axis=1) > 0, frames.argmax(axis=1), -1).astype(np.int16)
    else:
        maps = frames
    if volume.clips:
        maps = maps.reshape(volume.clips * volume.copies, volume.frames // volume.clips, *maps.shape[1:])
        if volume.reduce == "none":
            maps = maps.swapaxes(1, 2)
    return np.ascontiguousarray(maps)


def render_frames(volume: HeatmapVolume) -> Float32:
    """[T, K, H, W] (2 T with the mirrored copy), whatever the volume's order, reduction or potion."""
    persons, count, points = volume.keypoint_score.shape
    maps = np.zeros((count, volume.channels, volume.height, volume.width), np.float32)
    for t in range(count):
        for m in range(persons):
            keypoints = [Keypoint(volume, m, t, v) for v in range(points)]
            rendered = keypoints if volume.with_kp else []
            for k, keypoint in enumerate(rendered):
                _render_point(maps[t, k], keypoint, volume)
            for k, (a, b) in enumerate(volume.limbs, start=len(rendered)):
                _render_limb(maps[t, k], keypoints[a], keypoints[b], volume)
    if volume.double:
        maps = np.concatenate([maps, maps[:, volume.mirror, :, ::-1]])
    return maps


class Keypoint:
    """One keypoint of one person in one frame, as Python floats."""

    def __init__(self, volume: HeatmapVolume, m: int, t: int, v: int) -> None:
        self.x, self.y = (float(c) for c in volume.keypoint[m, t, v])
        self.score = float(volume.keypoint_score[m, t, v])


def _window(low: float, high: float, sigma: float, side: int) -> range:
    return range(max(int(low - 3 * sigma), 0), min(int(high + 3 * sigma) + 1, side))


def _render_point(image: Float32, keypoint: Keypoint, volume: HeatmapVolume) -> None:
    if math.isnan(keypoint.x) or keypoint.score < volume.eps:
        return
    for y in _window(keypoint.y, keypoint.y, volume.sigma, volume.height):
        for x in _window(keypoint.x, keypoint.x, volume.sigma, volume.width):
            _put(image, y, x, (x - keypoint.x) ** 2 + (y - keypoint.y) ** 2, keypoint.score, volume.sigma)


def _render_limb(image: Float32, a: Keypoint, b: Keypoint, volume: HeatmapVolume) -> None:
    score = min(a.score, b.score)
    if math.isnan(a.x) or math.isnan(b.x) or score < volume.eps:
        return
    # An end's difference is one of float32 numbers, its square one of float64: it decides what is short.
    along_x, along_y = float(np.float32(b.x) - np.float32(a.x)), float(np.float32(b.y) - np.float32(a.y))
    length = along_x**2 + along_y**2
    columns = _window(min(a.x, b.x), max(a.x, b.x), volume.sigma, volume.width)
    rows = _window(min(a.y, b.y), max(a.y, b.y), volume.sigma, volume.height)
    if length < 1:
        if columns and rows:
            _render_point(image, a, volume)
        return
    for y in rows:
        for x in columns:
            share = ((x - a.x) * along_x + (y - a.y) * along_y) / length
            share = min(max(share, 0.0), 1.0)
            near_x, near_y = a.x + share * along_x, a.y + share * along_y
            _put(image, y, x, (x - near_x) ** 2 + (y - near_y) ** 2, score, volume.sigma)


def _put(image: Float32, y: int, x: int, distance_squared: float, score: float, sigma: float) -> None:
    image[y, x] = max(image[y, x], np.float32(math.exp(-distance_squared / (2 * sigma**2)) * score))


def _potion(frames: Float32, volume: HeatmapVolume, potion: Potion) -> Float32:
    """[N, H, W, K * parts]; each of the N clips is the sum of its frames in C colors that change over time."""
    count = volume.shape[0]
    heat = frames.reshape(count, -1, *frames.shape[1:]).astype(np.float64)
    length = heat.shape[1]
    weights = np.zeros((length, potion.colours))
    for t in range(length):
        place = (potion.colours - 1) * (t / (length - 1) if length > 1 else 1.0)
        for c in range(potion.colours):
            weights[t, c] = max(0.0, 1 - abs(place - c))
    summed = np.einsum("ntkhw,tc->nhwkc", heat, weights)
    u = summed / (summed.max(axis=(1, 2), keepdims=True) + 1e-4)
    i = u.sum(axis=-1, keepdims=True)
    parts = {"U": [u], "I": [i], "N": [u / (i + 1)]}
    parts["full"] = [u, i, *parts["N"]]
    image = np.concatenate(parts[potion.option], axis=-1)
    return image.reshape(*image.shape[:3], -1).astype(np.float32)


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
        sigma=sigma,
        eps=eps,
        with_kp=with_kp,
        limbs=np.array(skeletons if with_limb else [], np.int32).reshape(-1, 2),
    )
    maps = render_frames(plain)
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
