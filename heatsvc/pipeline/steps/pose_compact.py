"""PoseCompact: crops to the box around all keypoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from heatsvc.pipeline.errors import PipelineError
from heatsvc.pipeline.steps.step import Float, FloatPair, PipelineState, Step

_MAX_DISTANCE = 1e38  # Pixels: larger coordinates cannot be subtracted in float32.
_MAX_RATIO = 1000.0


class PoseCompact(Step):
    """Crops to the box around the keypoints of all persons and frames, enlarged by a padding."""

    type: Literal["PoseCompact"] = "PoseCompact"
    padding: Annotated[
        float, Field(ge=0, le=100, description="How much the box is enlarged, as a share of its size.")
    ] = 0.25
    threshold: Annotated[
        float,
        Field(
            ge=0, le=1e9, description="Smallest width and height of the box, in pixels; below that nothing is cropped."
        ),
    ] = 10.0
    hw_ratio: Annotated[
        float | FloatPair | None,
        Field(description="Ratio of height to width that the box is enlarged to, or [minimum, maximum]; null for any."),
    ] = None
    allow_imgpad: Annotated[bool, Field(description="Whether the box may extend beyond the frame.")] = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        ratios: tuple[float, float] = self._ratios or (1.0, 1.0)
        if not (min(ratios) >= 1 / _MAX_RATIO and max(ratios) <= _MAX_RATIO):
            raise PipelineError(
                f"hw_ratio must be between {1 / _MAX_RATIO} and {_MAX_RATIO:.0f}, not {self.hw_ratio}", field="hw_ratio"
            )
        return self

    @property
    def _ratios(self) -> tuple[float, float] | None:
        return (self.hw_ratio, self.hw_ratio) if isinstance(self.hw_ratio, float) else self.hw_ratio

    def __call__(self, state: PipelineState) -> None:
        """Crop to the box. A coordinate that is 0 or NaN counts as not detected: it is ignored and does not move.

        Raises:
            PipelineError: the box is outside the frame although it must not extend beyond it, or is too large for
                float32.
        """
        x, y = state.coordinates()
        min_x, max_x = _extent(x)
        min_y, max_y = _extent(y)
        # As in PYSKL under NumPy 1.x: the difference and the sum of two float32 scalars are float32; everything after
        # that is computed with Python's numbers, in float64.
        span_x, span_y = float(max_x - min_x), float(max_y - min_y)
        if not (span_x >= self.threshold and span_y >= self.threshold):  # NaN if nothing was detected
            return
        box = self._grow(float(max_x + min_x) / 2, float(max_y + min_y) / 2, span_x / 2, span_y / 2)
        if max(map(abs, box)) > _MAX_DISTANCE:
            raise PipelineError(
                f"the keypoints are {max(span_x, span_y):.0e} pixels apart, which is too large: check their coordinates"
            )
        left, top, right, bottom = box
        if not self.allow_imgpad:
            left, top = max(0, left), max(0, top)
            right, bottom = min(state.width, right), min(state.height, bottom)
        left, top, right, bottom = int(left), int(top), int(right), int(bottom)
        if right <= left or bottom <= top:
            raise PipelineError(
                f"the box around the keypoints has {right - left} x {bottom - top} pixels in the frame: the persons "
                "are outside the frame",
                field="allow_imgpad",
            )
        state.set_coordinates(_move(x, left), _move(y, top))
        state.width, state.height = right - left, bottom - top

    def _grow(self, x: float, y: float, half_width: float, half_height: float) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the box around (x, y), with padding and ratio applied."""
        half_width *= 1 + self.padding
        half_height *= 1 + self.padding
        if self._ratios:
            low, high = self._ratios
            half_height = max(low * half_width, half_height)
            half_width = max(1 / high * half_height, half_width)
        return x - half_width, y - half_height, x + half_width, y + half_height


def _extent(values: Float) -> tuple[Any, Any]:
    """Minimum and maximum of the detected coordinates, as scalars of the array's type; NaN if there are none."""
    if not values.all():
        values = np.where(values == 0, np.nan, values).astype(values.dtype)
    return np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)


def _move(values: Float, corner: int) -> Float:
    # Convert to float first: an int above 2**63 would make an array of objects. The float32 result is the same.
    moved = values - float(corner)
    return moved if values.all() else np.where(values == 0, values, moved)
