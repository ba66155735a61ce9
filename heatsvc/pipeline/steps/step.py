"""Step: the base class of the steps, the types of their parameters, and `PipelineState`, which they modify."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from heatsvc.bounds import Bounds
from heatsvc.pipeline.errors import PipelineError
from heatsvc.pose.compressed import CompressedFrames
from heatsvc.pose.layouts import Layout
from heatsvc.volume import Gaussian, HeatmapVolume, Potion, Reduce

Float = npt.NDArray[np.floating[Any]]
Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

TEST_SEED = 255
MAX_SEED = 2**32 - 1

Role = Literal["decompress", "sample", "decode", "geometry", "target", "format", "pack"]

LIST = Strict(False)  # JSON has lists instead of PYSKL's tuples; elements are strict

Index = Annotated[int, Field(ge=0)]
Indices = Annotated[tuple[Index, ...], LIST, Field(max_length=4096, fail_fast=True)]
Limbs = Annotated[tuple[Annotated[tuple[Index, Index], LIST], ...], LIST, Field(max_length=4096, fail_fast=True)]
IntPair = Annotated[tuple[int, int], LIST]
FloatPair = Annotated[tuple[float, float], LIST]

Ignored = Annotated[Any, AfterValidator(lambda value: None)]
"""A parameter of PYSKL or MMAction2 that has no meaning for keypoints: any value is accepted and ignored."""

NotLazy = Annotated[
    Literal[False],
    Field(description="Only false: lazy operations of MMAction2 are for images."),
]


class Step(BaseModel):
    """One step: its parameters, with PYSKL's names and defaults, and its effect on a state.

    Attributes:
        role: determines where in a pipeline the step may be; see `check_order`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    role: ClassVar[Role] = "geometry"

    type: str

    @property
    def is_random(self) -> bool:
        """Whether the result depends on the seed if `test_mode` is false."""
        return False

    def __call__(self, state: PipelineState) -> None:
        """Apply the step to the state.

        Raises:
            PipelineError: the step cannot process this clip; `field` is the parameter's name, or "".
            LimitError: the result would be larger than `state.bounds` allow.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What `GeneratePoseTarget` renders for clips of one layout. The fields are those of `HeatmapVolume`."""

    gaussian: Gaussian
    with_kp: bool
    double: bool
    limbs: Int32
    mirror: Int32


class _Generators(threading.local):
    """One NumPy legacy generator per thread, reseeded for each run: creating it takes 90 µs, seeding it 1.5 µs."""

    def __init__(self) -> None:
        self.legacy = np.random.RandomState(TEST_SEED)


_generators = _Generators()


@dataclass(slots=True, eq=False)
class PipelineState:
    """A clip of M persons, T frames and V keypoints while the steps process it, and what to render.

    A step assigns new arrays and never writes into existing ones, which may belong to the clip.

    Attributes:
        keypoint: float32 [M, T, V, 2] in pixels of the current frame, NaN where not detected. None once a step has
            moved the points: use `coordinates` then.
        keypoint_score: float32 [M, T, V].
        height, width: the current frame's sides in pixels (PYSKL's `img_shape`).
        layout: the layout of the V points; None if unknown.
        bounds: limits of the steps' results.
        test_mode: whether sampling is deterministic.
        seed: seed of the generator if `test_mode` is False.
        compressed: the frames of compressed keypoints [1, N, V, 2] until `DecompressPose`; None for other keypoints.
        frame_inds: int [T'], the frames that `UniformSampleFrames` chose and `PoseDecode` has not yet taken.
        source_frames: int [T], the index in the clip of each frame; None for all frames of the clip, in order.
        num_clips: number of sampled clips; 0 if no clips were sampled.
        target: what to render; None before `GeneratePoseTarget`.
        clips, potion: axes of the result, see `HeatmapVolume`.
    """

    keypoint: Float32 | None
    keypoint_score: Float32
    height: int
    width: int
    layout: Layout | None
    bounds: Bounds
    test_mode: bool
    seed: int | None = None
    compressed: CompressedFrames | None = None
    frame_inds: npt.NDArray[np.int64] | None = None
    source_frames: npt.NDArray[np.int64] | None = None
    num_clips: int = 0
    target: Target | None = None
    clips: int = 0
    potion: Potion | None = None
    _axes: tuple[Float, Float] | None = field(default=None, repr=False)
    _rng: np.random.RandomState | None = field(default=None, repr=False)

    @property
    def frames(self) -> int:
        """T."""
        return int(self.keypoint_score.shape[1])

    @property
    def points(self) -> int:
        """V."""
        return int(self.keypoint_score.shape[2])

    def coordinates(self) -> tuple[Float, Float]:
        """The coordinates x and y as two arrays [M, T, V].

        Every step but `PoseDecode` treats the two differently, and NumPy is several times slower on pairs. They are
        float32, or float64 after a crop, as in PYSKL, which subtracts an int64 corner.
        """
        if self._axes is None:
            if self.keypoint is None:
                raise AssertionError("neither keypoint nor its axes are set")
            self._axes = np.ascontiguousarray(self.keypoint[..., 0]), np.ascontiguousarray(self.keypoint[..., 1])
        return self._axes

    def set_coordinates(self, x: Float, y: Float) -> None:
        """Set the coordinates to x and y, each [M, T, V]."""
        self._axes = x, y
        self.keypoint = None

    def take(self, indices: npt.NDArray[np.int64] | Sequence[int], axis: Literal[1, 2]) -> None:
        """Take frames (axis 1) or keypoints (axis 2) by index, with their scores."""
        self.keypoint_score = self.keypoint_score.take(indices, axis=axis)
        if self.keypoint is not None:
            self.keypoint, self._axes = self.keypoint.take(indices, axis=axis), None
        else:
            x, y = self.coordinates()
            self._axes = x.take(indices, axis=axis), y.take(indices, axis=axis)

    @property
    def rng(self) -> np.random.RandomState:
        """The generator that all steps of a run share, as PYSKL's steps share NumPy's global one.

        Its seed is 255 in test mode (unless `UniformSampleFrames` has set its own), else the run's seed.
        """
        if self._rng is None:
            return self.reseed(TEST_SEED if self.test_mode else self.seed)
        return self._rng

    def reseed(self, seed: int | None) -> np.random.RandomState:
        """Reseed the shared generator; None takes a seed from the operating system."""
        self._rng = _generators.legacy
        self._rng.seed(seed)
        return self._rng

    def volume(self, reduce: Reduce = "none") -> HeatmapVolume:
        """The volume to render. Its points are float32, or float64 after a crop.

        Raises:
            PipelineError: there was no `GeneratePoseTarget`.
            LimitError: the rendered array would exceed `bounds.max_volume_bytes`, or the sums of a PoTion image would
                exceed `bounds.max_potion_bytes`.
        """
        if self.target is None:
            raise PipelineError("nothing is rendered: GeneratePoseTarget is missing", field="pipeline")
        target = self.target
        volume = HeatmapVolume(
            self._join() if self.keypoint is None else np.ascontiguousarray(self.keypoint),
            np.ascontiguousarray(self.keypoint_score),
            self.height,
            self.width,
            target.gaussian,
            target.with_kp,
            target.limbs,
            target.double,
            target.mirror,
            self.clips,
            reduce,
            self.potion,
            self.layout.points if self.layout else (),
            self.layout.limbs if self.layout else (),
            self.source_frames,
        )
        nbytes = 4 * math.prod(volume.shape)
        if nbytes > self.bounds.max_volume_bytes:
            self.bounds.check("max_volume_bytes", nbytes, "bytes of heatmap", field="pipeline")
        if self.potion:
            # Unlike heatmaps, the sums are dense while they are rendered: float64 for each pixel, channel and color.
            area = math.prod(volume.shape[:3]) * volume.channels
            self.bounds.check(
                "max_potion_bytes", 8 * self.potion.colors * area, "bytes of color sums", field="pipeline"
            )
        return volume

    def _join(self) -> Float:
        x, y = self.coordinates()
        keypoint = np.empty((*x.shape, 2), x.dtype)
        keypoint[..., 0] = x
        keypoint[..., 1] = y
        if x.dtype == np.float64:
            keypoint.astype(np.float32)  # overflows, which is an error, if a center is not a float32
        return keypoint
