"""HeatmapVolume: a volume to render, described by its points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Center = Literal["exact", "rounded"]
Window = Literal["pyskl", "mmpose", "cutoff", "dark", "map"]
Peak = Literal["score", "one"]
Persons = Literal["max", "sum"]
Reduce = Literal["none", "max", "argmax"]


LARGEST_EXPONENT = 4.6052
"""The exponent at which `cutoff` ends a Gaussian: exp(-4.6052) is a hundredth."""

_CUTOFF_REACH = 3.05  # sigma: a little over sqrt(2 * 4.6052)
_LARGEST_SIDE = 1 << 20  # of a map, in pixels


def _code(literal: Any, value: str) -> int:
    choices = get_args(literal)
    if value not in choices:
        raise ValueError(f"{value!r:.60} is not one of {', '.join(choices)}")
    return choices.index(value)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """How a keypoint is rendered, and how overlapping keypoints of several persons are combined; by default as PYSKL.

    With s = sigma / stride, and d the distance from the center c, in pixels of the map, a pixel's value is
    peak * exp(-d**2 / (2 s**2)).

    Attributes:
        sigma: standard deviation, in the unit of the coordinates.
        eps: points with a lower score are not rendered (PYSKL 1e-3, MMAction2 1e-4, MMPose 0.5).
        stride, offset: pixel i of the map is at i * stride + offset, in x and in y.
        center: `exact`, or `rounded` to a pixel as in MMPose: trunc(c + 0.5), the sum in float32.
        window: the pixels that are rendered, on each axis; the others are 0.
            `pyskl`: int(c - 3 s) to int(c + 3 s).
            `mmpose`: 3 s to both sides of the rounded center. The first pixel is rounded towards 0, and if 3 s is not
            a whole number, the center moves with it, as in MMPose.
            `cutoff`: pixels with d**2 / (2 s**2) <= 4.6052, a hundredth of the peak or more, as in CMU's training code.
            `dark`: all; but none if the square of 3 s around the center misses the map, as in MMPose's `unbiased`.
            `map`: all. (For `dark` and `map`, pixels below exp(-80) of the peak may be 0.)
        peak: `score`: the point's score; `one`: 1 if the score is at least `eps`.
        persons: a pixel is the `max` of the persons' values, or their `sum`, at most 1.
        reach: maximum side of a window in pixels.
        native: all of this in the form of the compiled kernels.
    """

    sigma: float = 0.6
    eps: float = 1e-3
    stride: float = 1.0
    offset: float = 0.0
    center: Center = "exact"
    window: Window = "pyskl"
    peak: Peak = "score"
    persons: Persons = "max"
    reach: int = field(init=False, repr=False, compare=False)  # these two are computed once, since each tile uses them
    native: tuple[float | int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the values and compute `reach` and `native`.

        Raises:
            ValueError: sigma or stride is not above 0, eps is negative, a number is not finite, or a choice is not one
                of those above.
        """
        numbers = tuple(map(float, (self.sigma, self.eps, self.stride, self.offset)))
        positive = self.eps >= 0 and self.stride > 0 and self.sigma / self.stride > 0
        if not positive or not all(map(math.isfinite, numbers)):
            raise ValueError("sigma and stride must be above 0, eps at least 0, and all numbers finite")
        codes = (
            _code(Center, self.center),
            _code(Window, self.window),
            _code(Peak, self.peak),
            _code(Persons, self.persons),
        )
        whole = self.window in ("dark", "map")
        sides = 2 * (_CUTOFF_REACH if self.window == "cutoff" else 3) * self.sigma / self.stride
        object.__setattr__(self, "reach", _LARGEST_SIDE if whole else int(min(sides, _LARGEST_SIDE)) + 2)
        object.__setattr__(self, "native", (*numbers, *codes))

    @property
    def takes_limbs(self) -> bool:
        """Whether limbs can be rendered with these settings, which must be PYSKL's."""
        at_pixels = self.stride == 1 and self.offset == 0
        return at_pixels and self.center == "exact" and self.window == "pyskl" and self.persons == "max"


@dataclass(frozen=True, slots=True)
class Potion:
    """PoTion's color-coded sum over time (Choutas et al., CVPR 2018), as in PYSKL's `Heatmap2Potion`.

    Attributes:
        colors: C, the number of colors, at least 2.
        option: the parts of the last axis: U, I, N, or all three in that order (full).
    """

    colors: int
    option: Literal["U", "N", "I", "full"] = "full"

    def width(self, channels: int) -> int:
        """Length of the last axis for a volume of `channels` channels."""
        parts = {"U": self.colors, "N": self.colors, "I": 1, "full": 2 * self.colors + 1}
        return channels * parts[self.option]


def _no_limbs() -> npt.NDArray[np.int32]:
    return np.zeros((0, 2), np.int32)


def _no_mirror() -> npt.NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapVolume:
    """A volume before it is rendered: T frames of all its clips, and K channels (keypoints, then limbs).

    Attributes:
        keypoint: float32 or float64 [M, T, V, 2], x and y in map pixels (or as `gaussian` says); NaN where not
            detected. C-contiguous. Windows are computed from float64 coordinates, centers from the coordinates rounded
            to float32, as in PYSKL under NumPy 1.
        keypoint_score: float32 [M, T, V], the peak of each point's Gaussian. C-contiguous.
        height, width: the map's sides H and W in pixels.
        gaussian: how keypoints are rendered.
        with_kp: whether the V keypoints have channels.
        limbs: int32 [L, 2], the two points of each limb channel.
        double: whether to append a copy of all frames, mirrored in x.
        mirror: int32 [K], the index of the mirror image of each channel of the mirrored copy; used if `double`.
        clips: 0 for the shape [T, K, H, W]; n for n clips of T / n frames, [n, K, T / n, H, W].
        reduce: `max` keeps each pixel's largest value over the channels, `argmax` the channel of that value, -1 where
            all channels are zero. Both remove the K axis.
        potion: settings of a PoTion image, [clips or 1, H, W, channels]; None for heatmaps.
        points: names of the V keypoints, or (). The names and the skeleton are used in pictures.
        skeleton: pairs of keypoints that a line connects: the limbs of the layout, even if there are no limb channels.
        source_frames: int64 [T], the index in the clip of each frame; None for all frames of the clip, in order.
        shape: shape of the rendered array.
    """

    keypoint: npt.NDArray[np.float32] | npt.NDArray[np.float64]
    keypoint_score: npt.NDArray[np.float32]
    height: int
    width: int
    gaussian: Gaussian = Gaussian()
    with_kp: bool = True
    limbs: npt.NDArray[np.int32] = field(default_factory=_no_limbs)
    double: bool = False
    mirror: npt.NDArray[np.int32] = field(default_factory=_no_mirror)
    clips: int = 0
    reduce: Reduce = "none"
    potion: Potion | None = None
    points: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    source_frames: npt.NDArray[np.int64] | None = None
    shape: tuple[int, ...] = field(init=False)  # computed once, since each request uses it several times

    def __post_init__(self) -> None:
        """Compute the shape.

        Raises:
            ValueError: the volume has limbs, and the Gaussian is not PYSKL's.
        """
        frames, points = self.keypoint.shape[1:3]
        limbs = len(self.limbs)
        if limbs and not self.gaussian.takes_limbs:
            raise ValueError("limbs can only be rendered with PYSKL's window, center and maximum, and a stride of 1")
        channels = (points if self.with_kp else 0) + limbs
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
        """T, without the mirrored copy."""
        return int(self.keypoint.shape[1])

    @property
    def channels(self) -> int:
        """K: keypoints (V if `with_kp`) plus limbs."""
        return (self.keypoint.shape[2] if self.with_kp else 0) + len(self.limbs)

    @property
    def channel_names(self) -> list[str]:
        """Of keypoints, then of limbs (``left_elbow-left_wrist``); indices where the points have no names."""
        points = self.points or tuple(map(str, range(self.keypoint.shape[2])))
        limbs = [f"{points[a]}-{points[b]}" for a, b in self.limbs.tolist()]
        return [*(points if self.with_kp else ()), *limbs]

    @property
    def copies(self) -> int:
        """2 with the mirrored copy, else 1."""
        return 2 if self.double else 1

    @property
    def maps(self) -> int:
        """Number of H x W maps in the array: the product of the axes before H and W."""
        return math.prod(self.shape[:-2])
