"""Persons found frame by frame, as a clip: what the estimators' JSON formats have in common.

Files are gone through twice. The first time they are counted, held to the bounds, and no array is made; the second
time each person goes into the clip's arrays, and into no other of a person's full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatsvc.pose.clip import BYTES_A_POINT, Float32, NoKeypointsError, PoseClip
from heatsvc.pose.readers.names import frame_dir_of
from heatsvc.pose.readers.upload import Upload


@dataclass(slots=True)
class Extent:
    """How large a clip will be, as far as its file has been counted. Each count is held to its bound at once.

    Estimators write the persons that they see: M is the most in any frame. One crowded frame in a long clip, or one
    large person in a crowd, costs as much as if all were: max_unpacked_bytes bounds the product.

    Attributes:
        upload: where the clip comes from.
        frames, persons, points: T, M, V.
    """

    upload: Upload
    frames: int
    persons: int = 0
    points: int = 0

    def __post_init__(self) -> None:
        self._check("frames", self.frames, None, None)

    def count_persons(self, persons: int, *, field: str | None = None, file: str | None = None) -> None:
        """A frame has so many.

        Raises:
            LimitError: more than max_persons, or the clip grows beyond max_unpacked_bytes.
        """
        if persons > self.persons:
            self._check("persons", persons, field, file)
            self.persons = persons
            self._check_size(field, file)

    def count_points(self, points: int, *, field: str | None = None, file: str | None = None) -> None:
        """A person has so many.

        Raises:
            LimitError: more than max_keypoints, or the clip grows beyond max_unpacked_bytes.
        """
        if points > self.points:
            self._check("keypoints", points, field, file)
            self.points = points
            self._check_size(field, file)

    def grid(self) -> Grid:
        """Arrays of that size, all zeros.

        Raises:
            NoKeypointsError: nobody in any frame.
        """
        if self.persons == 0:
            raise NoKeypointsError("there is nobody in any frame: no keypoints", file=self.upload.file)
        shape = (self.persons, self.frames, self.points)
        return Grid(np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32), self.upload)

    def _check(self, axis: str, length: int, field: str | None, file: str | None) -> None:
        bounds = self.upload.options.bounds
        bounds.check(f"max_{axis}", length, axis, field=field, file=file or self.upload.file)

    def _check_size(self, field: str | None, file: str | None) -> None:
        size = self.persons * self.frames * self.points * BYTES_A_POINT
        bounds = self.upload.options.bounds
        bounds.check("max_unpacked_bytes", size, "bytes of keypoints", field=field, file=file or self.upload.file)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A clip's arrays while they are filled. Who is missing in a frame stays zeros with score 0.

    Attributes:
        keypoint: [M, T, V, 2] in pixels.
        keypoint_score: [M, T, V].
        upload: where they come from.
    """

    keypoint: Float32
    keypoint_score: Float32
    upload: Upload

    def clip(self, img_shape: Sequence[int] | None = None) -> PoseClip:
        """The clip, named after its file.

        Args:
            img_shape: (height, width), where the file tells it.

        Raises:
            PoseError: what `PoseClip.build` finds.
        """
        options = self.upload.options
        return PoseClip.build(
            self.keypoint,
            self.keypoint_score,
            img_shape=img_shape or options.img_shape,
            layout=options.layout_of(self.keypoint.shape[2]),
            frame_dir=frame_dir_of(self.upload.filename),
            bounds=options.bounds,
            file=self.upload.file,
        )
