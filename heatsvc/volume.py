"""HeatmapVolume: a volume to render, described by its points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Reduce = Literal["none", "max", "argmax"]


@dataclass(frozen=True, slots=True)
class Potion:
    """PoTion's color-coded sum over time (Choutas et al., CVPR 2018), as in PYSKL's `Heatmap2Potion`.

    Attributes:
        colours: C, the number of colors, at least 2.
        option: the parts of the last axis: U, I, N, or all three in that order (full).
    """

    colours: int
    option: Literal["U", "N", "I", "full"] = "full"

    def width(self, channels: int) -> int:
        """Length of the last axis for a volume of `channels` channels."""
        parts = {"U": self.colours, "N": self.colours, "I": 1, "full": 2 * self.colours + 1}
        return channels * parts[self.option]


def _no_limbs() -> npt.NDArray[np.int32]:
    return np.zeros((0, 2), np.int32)


def _no_mirror() -> npt.NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapVolume:
    """A volume before it is rendered: T frames of all its clips, K channels (keypoints, then limbs).

    Attributes:
        keypoint: float32 [M, T, V, 2], x and y in map pixels; NaN where not detected. C-contiguous.
        keypoint_score: float32 [M, T, V], the value of a point's peak. C-contiguous.
        height, width: the map's sides H and W in pixels.
        sigma: of the Gaussian, in map pixels.
        eps: points of a lower score are not rendered (PYSKL 1e-3, MMAction2 1e-4).
        with_kp: whether the V keypoints have channels.
        limbs: int32 [L, 2], the two points of each limb channel.
        double: append all frames again, mirrored in x.
        mirror: int32 [K], for each channel of the mirrored copy the index of its mirror image. Used where `double`.
        clips: 0 for frames first, [T, K, H, W]; n for n clips of T / n frames, [n, K, T / n, H, W].
        reduce: `max` keeps each pixel's largest value over the channels, `argmax` the channel that has it, -1 where
            all are zero; either way the K axis is gone.
        potion: set for a PoTion image instead, [clips or 1, H, W, channels].
        shape: of the rendered array.
    """

    keypoint: npt.NDArray[np.float32]
    keypoint_score: npt.NDArray[np.float32]
    height: int
    width: int
    sigma: float = 0.6
    eps: float = 1e-3
    with_kp: bool = True
    limbs: npt.NDArray[np.int32] = field(default_factory=_no_limbs)
    double: bool = False
    mirror: npt.NDArray[np.int32] = field(default_factory=_no_mirror)
    clips: int = 0
    reduce: Reduce = "none"
    potion: Potion | None = None
    shape: tuple[int, ...] = field(init=False)  # used several times per request, so computed once

    def __post_init__(self) -> None:
        """Compute the shape."""
        frames, points = self.keypoint.shape[1:3]
        channels = (points if self.with_kp else 0) + len(self.limbs)
        copies = 2 if self.double else 1
        of_each = (channels,) if self.reduce == "none" else ()
        if self.potion:
            shape = (max(self.clips * copies, 1), self.height, self.width, self.potion.width(channels))
        elif self.clips:
            shape = (self.clips * copies, *of_each, frames // self.clips, self.height, self.width)
        else:
            shape = (frames * copies, *of_each, self.height, self.width)
        object.__setattr__(self, "shape", shape)

    @property
    def frames(self) -> int:
        """T, the mirrored copy not counted."""
        return int(self.keypoint.shape[1])

    @property
    def channels(self) -> int:
        """K: keypoints (V, where `with_kp`) and limbs."""
        return (self.keypoint.shape[2] if self.with_kp else 0) + len(self.limbs)

    @property
    def copies(self) -> int:
        """2 with the mirrored copy, else 1."""
        return 2 if self.double else 1

    @property
    def maps(self) -> int:
        """Number of H x W maps in the array: the product of the axes before H and W."""
        return math.prod(self.shape[:-2])
