"""`.pose`: binary files of the package pose-format, versions 0.1 and 0.2, read by that package.

It does not validate the sizes in a file, so they are checked against the file's length first.
https://github.com/sign-language-processing/pose/blob/master/docs/specs/v0.2.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.upload import Upload

# The version, a float32, is the file's first four bytes.
_VERSIONS = {struct.pack("<f", 0.1): 0.1, struct.pack("<f", 0.2): 0.2}
_MAX_COMPONENTS = 64
_HOLISTIC = ("POSE_LANDMARKS", "FACE_LANDMARKS", "LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS")
_OPENPOSE = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")
# In metres around the hip, and the same points as POSE_LANDMARKS.
_WORLD = "POSE_WORLD_LANDMARKS"


def is_pose_file(upload: Upload) -> bool:
    """Begins with version 0.1 or 0.2."""
    return upload.data[:4] in _VERSIONS


def read_pose_file(upload: Upload) -> list[PoseClip]:
    """One clip: x and y of all components but the world landmarks, in the layout's order where it has one.

    Points of confidence 0 ('missing' there) keep their position with score 0. img_shape is the header's.

    Raises:
        PoseError: cut short, longer than its header says, without x, y and confidence, or not readable by pose-format.
        LimitError: more persons, frames or keypoints than the bounds allow.
    """
    size = _HeaderReader(upload.data, upload.file).read()
    bounds = upload.options.bounds
    bounds.check("max_persons", size.persons, "persons", file=upload.file)
    bounds.check("max_frames", size.frames, "frames", file=upload.file)
    bounds.check("max_keypoints", sum(size.components.values()), "keypoints", file=upload.file)
    pose = _read(upload)
    keypoint, score = _arrays(pose.body)
    order = _order(size.components)
    width, height = pose.header.dimensions.width, pose.header.dimensions.height
    img_shape = [height, width] if width > 0 and height > 0 else None
    return [upload.build_clip(keypoint[:, :, order], score[:, :, order], img_shape)]


def _read(upload: Upload) -> Any:
    from pose_format import Pose

    try:
        return Pose.read(upload.data)
    except Exception as error:  # the package raises whatever struct, NumPy and its own code raise
        raise PoseError(f"pose-format cannot read this .pose file: {error!s:.200}", file=upload.file) from error


def _arrays(body: Any) -> tuple[Float32, Float32]:
    """Keypoint [M, T, V, 2] and score [M, T, V] of a body that is [T, M, V, D]."""
    xy = np.array(body.data.data[..., :2], np.float32).transpose(1, 0, 2, 3)
    score = np.array(body.confidence, np.float32).transpose(1, 0, 2)
    xy[(score == 0) & ~np.isfinite(xy).all(axis=-1)] = 0
    return xy, score


def _order(components: dict[str, int]) -> list[int]:
    """Indices in the file of the points to read; the components of a known layout in that layout's order."""
    starts, start = {}, 0
    for name, points in components.items():
        starts[name] = start
        start += points
    names = [name for name in components if name != _WORLD]
    for known in (_HOLISTIC, _OPENPOSE):
        if set(names) == set(known):
            names = list(known)
    return [starts[name] + i for name in names for i in range(components[name])]


@dataclass(frozen=True, slots=True)
class _Size:
    """Size of a file by its header: points of each component by its name, persons and frames."""

    components: dict[str, int]
    persons: int
    frames: int


class _HeaderReader:
    def __init__(self, data: bytes, file: str | None):
        self.data = data
        self.file = file
        self.position = 0

    def read(self) -> _Size:
        version = _VERSIONS[self.data[:4]]
        self.position = 10  # version, width, height, depth
        (count,) = self._unpack("<H")
        if not 1 <= count <= _MAX_COMPONENTS:
            raise self._error(f"the .pose header has {count} components: 1 to {_MAX_COMPONENTS} can be read")
        components: dict[str, int] = {}
        dims = 0
        for _ in range(count):
            name, columns = self._text(), self._text()
            points, limbs, colors = self._unpack("<HHH")
            if name in components:
                raise self._error(f"two components of the .pose file have the name {name!a:.80}")
            if not (columns.startswith("XY") and columns.endswith("C")) or (dims and dims != len(columns) - 1):
                raise self._error(
                    f"the component {name!a:.80} has the columns {columns!a:.20}: all must have XYC or XYZC"
                )
            components[name], dims = points, len(columns) - 1
            for _ in range(points):
                self._text()
            self._skip(4 * limbs + 6 * colors)
        if version == 0.2:
            _, frames, persons = self._unpack("<fIH")
        else:
            # Version 0.1 counts frames in 16 bits; pose-format uses the length of the file instead, and so do we.
            _, _, persons = self._unpack("<HHH")
            frames = -1
        return _Size(components, persons, self._frames(frames, persons * sum(components.values()) * (dims + 1) * 4))

    def _frames(self, frames: int, frame_bytes: int) -> int:
        left = len(self.data) - self.position
        if frame_bytes == 0:
            raise self._error("the .pose file has no persons or no points")
        if left != frames * frame_bytes if frames >= 0 else left % frame_bytes:
            declared = f"{frames:,} frames" if frames >= 0 else "whole frames"
            raise self._error(
                f"the .pose file declares {declared} of {frame_bytes:,} bytes, but {left:,} bytes follow its header: "
                "it is cut short or damaged"
            )
        return left // frame_bytes

    def _unpack(self, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize(layout)
        self._skip(size)
        return struct.unpack_from(layout, self.data, self.position - size)

    def _text(self) -> str:
        (length,) = self._unpack("<H")
        self._skip(length)
        try:
            return self.data[self.position - length : self.position].decode()
        except UnicodeDecodeError:
            raise self._error("a name in the .pose header is not UTF-8") from None

    def _skip(self, size: int) -> None:
        self.position += size
        if self.position > len(self.data):
            raise self._error("the .pose file is cut short within its header")

    def _error(self, text: str) -> PoseError:
        return PoseError(text, file=self.file)
