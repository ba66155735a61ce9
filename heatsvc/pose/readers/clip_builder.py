"""ClipBuilder: builds a clip whose persons are listed frame by frame, as in the JSON formats of estimators.

Persons and points are counted first, and checked against the bounds; then the clip's arrays are allocated, and each
person is written to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heatsvc.bounds import BYTES_PER_POINT
from heatsvc.pose.array_plausibility import judge_normalized
from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import NoKeypointsError
from heatsvc.pose.layouts import Layout
from heatsvc.pose.readers.upload import Upload


class ClipBuilder:
    """Counts the size of a clip, then allocates and fills its arrays.

    M is the largest number of persons in a frame. One crowded frame in a long clip takes as much memory as if all
    frames were crowded; max_unpacked_bytes limits the product.

    Attributes:
        upload: source of the clip.
        frames, persons, points: T, M, V.
        keypoint: float32 [M, T, V, 2] in pixels, after `allocate`; 0 for persons that are missing in a frame.
        keypoint_score: float32 [M, T, V], after `allocate`.
    """

    keypoint: Float32
    keypoint_score: Float32

    def __init__(self, upload: Upload, frames: int) -> None:
        """Begin a clip of `frames` frames.

        Raises:
            LimitError: more than max_frames.
        """
        self.upload = upload
        self.frames = frames
        self.persons = self.points = 0
        self._check("max_frames", frames, "frames", None, None)

    def count(self, *, persons: int = 0, points: int = 0, field: str | None = None, file: str | None = None) -> None:
        """Count the persons of a frame, or the points of a person.

        Raises:
            LimitError: more than max_persons or max_keypoints, or the clip grows beyond max_unpacked_bytes.
        """
        if persons > self.persons or points > self.points:
            self.persons, self.points = max(persons, self.persons), max(points, self.points)
            self._check("max_persons", persons, "persons", field, file)
            self._check("max_keypoints", points, "keypoints", field, file)
            size = self.persons * self.frames * self.points * BYTES_PER_POINT
            self._check("max_unpacked_bytes", size, "bytes of keypoints", field, file)

    def allocate(self) -> None:
        """Make arrays of the counted size.

        Raises:
            NoKeypointsError: no persons in any frame.
        """
        if self.persons == 0:
            raise NoKeypointsError("the file has no persons in any frame", file=self.upload.file)
        shape = (self.persons, self.frames, self.points)
        self.keypoint, self.keypoint_score = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)

    def build(
        self,
        img_shape: Sequence[int] | None = None,
        layout: Layout | None = None,
        *,
        are_normalized: bool = False,
    ) -> PoseClip:
        """The clip.

        Args:
            img_shape, layout: see `Upload.build_clip`.
            are_normalized: whether the format has normalized coordinates. Other numbers are kept: they may be pixels,
                or meters, which are refused later.
        """
        interpretation = self.upload.options.interpretation
        if are_normalized and _may_be_normalized(self.keypoint):
            interpretation = replace(interpretation, coordinates="normalized")
        return self.upload.build_clip(
            self.keypoint, self.keypoint_score, img_shape, layout=layout, interpretation=interpretation
        )

    def _check(self, bound: str, got: int, what: str, field: str | None, file: str | None) -> None:
        self.upload.options.bounds.check(bound, got, what, field=field, file=file or self.upload.file)


def _may_be_normalized(keypoint: Float32) -> bool:
    """Whether coordinates can be normalized: most are not far above 1, nor negative as in meters around the hip."""
    if judge_normalized(keypoint):
        return False
    outside = np.count_nonzero((keypoint < 0).any(axis=-1))
    return bool(2 * outside <= np.count_nonzero((keypoint != 0).any(axis=-1)))
