"""Persons found frame by frame, as a clip: what the estimators' JSON formats have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatsvc.pose.clip import Float32, NoKeypointsError, PoseClip
from heatsvc.pose.readers.names import frame_dir_of
from heatsvc.pose.readers.upload import Upload


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A person in a frame.

    Attributes:
        keypoint: [V, 2] in pixels.
        keypoint_score: [V].
    """

    keypoint: Float32
    keypoint_score: Float32


def clip_of(frames: Sequence[Sequence[Found]], upload: Upload, *, img_shape: Sequence[int] | None = None) -> PoseClip:
    """Persons by their position in each frame as a clip named after its file.

    Estimators write the persons that they see: M is the most in any frame, and who is missing is zeros with score 0.

    Args:
        frames: for each frame its persons, all of one V.
        upload: where they come from; max_unpacked_bytes bounds the whole, as one crowded frame in a long clip costs
            as much as if all were.
        img_shape: (height, width), where the file tells it.

    Raises:
        NoKeypointsError: nobody in any frame.
        PoseError: what `PoseClip.build` finds.
        LimitError: beyond the bounds.
    """
    bounds, file = upload.options.bounds, upload.file
    persons = max(map(len, frames), default=0)
    if persons == 0:
        raise NoKeypointsError("there is nobody in any frame: no keypoints", file=file)
    points = next(found.keypoint.shape[0] for frame in frames for found in frame)
    for axis, length in (("persons", persons), ("frames", len(frames)), ("keypoints", points)):
        bounds.check(f"max_{axis}", length, axis, file=file)
    bounds.check("max_unpacked_bytes", persons * len(frames) * points * 12, "bytes of keypoints", file=file)
    keypoint = np.zeros((persons, len(frames), points, 2), np.float32)
    score = np.zeros((persons, len(frames), points), np.float32)
    for t, frame in enumerate(frames):
        for m, found in enumerate(frame):
            keypoint[m, t], score[m, t] = found.keypoint, found.keypoint_score
    return PoseClip.build(
        keypoint,
        score,
        img_shape=img_shape or upload.options.img_shape,
        layout=upload.options.layout_of(points),
        frame_dir=frame_dir_of(upload.filename),
        bounds=bounds,
        file=file,
    )
