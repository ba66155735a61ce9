"""Scene: a clip on its way through the steps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.pipeline.error import PipelineError
from heatsvc.pose import PoseClip
from heatsvc.pose.layouts import Layout
from heatsvc.volume import HeatmapVolume, Potion, Reduce

Float = npt.NDArray[np.floating[Any]]
Int32 = npt.NDArray[np.int32]

TEST_SEED = 255
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What `GeneratePoseTarget` asks to be drawn, of clips of one layout; fields as in `HeatmapVolume`."""

    sigma: float
    eps: float
    with_kp: bool
    double: bool
    limbs: Int32
    mirror: Int32


@dataclass(slots=True, eq=False)
class Scene:
    """What the steps hand on: M persons, T frames, V keypoints, and what is to be drawn of them.

    A step gives the scene new arrays and never writes into those it finds: they may be the clip's own. The two
    coordinates lie in arrays of their own, because every step but `PoseDecode` treats x and y differently and NumPy is
    several times slower on pairs.

    Attributes:
        x, y: float [M, T, V] in pixels of the present frame, NaN where not detected. float32, but float64 behind a
            crop: PYSKL subtracts an int64 corner there, and its ground truth carries that precision on.
        keypoint_score: float32 [M, T, V].
        height, width: the present frame's sides in pixels (PYSKL's `img_shape`).
        layout: what the V points are, None where nobody knows.
        bounds: what the steps hold their results to.
        test_mode: whether sampling is the deterministic one.
        frame_inds: int [T'], the frames that `UniformSampleFrames` chose and `PoseDecode` has still to take.
        num_clips: how many clips the frames make up; 0 where nothing was sampled.
        target: what is to be drawn; None before `GeneratePoseTarget`.
        clips, potion: the form of the result, see `HeatmapVolume`.
    """

    x: Float
    y: Float
    keypoint_score: npt.NDArray[np.float32]
    height: int
    width: int
    layout: Layout | None
    bounds: Bounds
    test_mode: bool
    seed: int | None = None
    frame_inds: npt.NDArray[np.int64] | None = None
    num_clips: int = 0
    target: Target | None = None
    clips: int = 0
    potion: Potion | None = None
    _rng: np.random.RandomState | None = field(default=None, repr=False)

    @classmethod
    def of(cls, clip: PoseClip, *, bounds: Bounds, test_mode: bool, seed: int | None) -> Scene:
        """The scene before the first step.

        Raises:
            PipelineError: a seed that NumPy's legacy generator does not take.
        """
        if seed is not None and not 0 <= seed <= MAX_SEED:
            raise PipelineError(f"seed must be a whole number from 0 to {MAX_SEED}, not {seed}", field="seed")
        keypoint = clip.keypoint
        height, width = clip.img_shape
        return cls(
            keypoint[..., 0], keypoint[..., 1], clip.keypoint_score, height, width, clip.layout, bounds, test_mode, seed
        )

    @property
    def frames(self) -> int:
        """T."""
        return int(self.x.shape[1])

    @property
    def points(self) -> int:
        """V."""
        return int(self.x.shape[2])

    @property
    def rng(self) -> np.random.RandomState:
        """The generator that all steps of a run share, as PYSKL's share NumPy's global one.

        Seeded 255 in test mode (unless `UniformSampleFrames` set its own seed), else with the run's seed.
        """
        if self._rng is None:
            self._rng = np.random.RandomState(TEST_SEED if self.test_mode else self.seed)
        return self._rng

    def reseed(self, seed: int) -> None:
        """Start the shared generator anew."""
        self._rng = np.random.RandomState(seed)

    def volume(self, reduce: Reduce = "none") -> HeatmapVolume:
        """What the scene has become, float32.

        A point that grew beyond float32 lies infinitely far from the map: it counts as not detected.

        Raises:
            PipelineError: no step asked for anything to be drawn.
            LimitError: the drawn array would be larger than `bounds.max_volume_bytes`.
        """
        if self.target is None:
            raise PipelineError("nothing is drawn: GeneratePoseTarget is missing", field="pipeline")
        keypoint = np.empty((*self.x.shape, 2), np.float32)
        keypoint[..., 0] = self.x
        keypoint[..., 1] = self.y
        score = self.keypoint_score
        if not math.isfinite(keypoint.sum()):
            far = np.isinf(keypoint).any(axis=-1)
            keypoint[far] = np.nan
            score = np.where(far, np.float32(0), score)
        target = self.target
        volume = HeatmapVolume(
            keypoint=keypoint,
            keypoint_score=np.ascontiguousarray(score),
            height=self.height,
            width=self.width,
            sigma=target.sigma,
            eps=target.eps,
            with_kp=target.with_kp,
            limbs=target.limbs,
            double=target.double,
            mirror=target.mirror,
            clips=self.clips,
            reduce=reduce,
            potion=self.potion,
        )
        self.bounds.check("max_volume_bytes", 4 * math.prod(volume.shape), "bytes of heatmap", field="pipeline")
        return volume
