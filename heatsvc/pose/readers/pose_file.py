"""`.pose`: binary files of the package pose-format, versions 0.1 and 0.2, read by that package.

It does not validate the sizes in a file, so they are checked against the file's length first.
https://github.com/sign-language-processing/pose/blob/master/docs/specs/v0.2.md
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.layouts import Layout, LayoutError, canonical_names, layout_of_names, layout_with_points
from heatsvc.pose.readers.upload import Upload

# The version, a float32, is the file's first four bytes.
_VERSIONS = {struct.pack("<f", 0.1): 0.1, struct.pack("<f", 0.2): 0.2}
_MAX_COMPONENTS = 64
# In metres around the hip, and the same points as POSE_LANDMARKS.
_WORLD = "POSE_WORLD_LANDMARKS"
# Its limbs are the mesh of 2,556 triangles' sides: nobody renders those.
_FACE_MESH = "FACE_LANDMARKS"


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
    bounds.check("max_keypoints", size.points, "keypoints", file=upload.file)
    try:
        order, layout = _named(size.components)
    except LayoutError as error:
        error.file = upload.file
        raise
    pose = _read(upload)
    keypoint, score = _arrays(pose.body)
    width, height = pose.header.dimensions.width, pose.header.dimensions.height
    img_shape = [height, width] if width > 0 and height > 0 else None
    return [upload.build_clip(keypoint[:, :, order], score[:, :, order], img_shape, layout=layout)]


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


def _named(components: Sequence[_Component]) -> tuple[list[int], Layout]:
    """Indices in the file of the points to read, and their layout: a known one's points come in its order."""
    names: list[str] = []
    indices: list[int] = []
    limbs: list[tuple[int, int]] = []
    start = 0
    for component in components:
        if component.name != _WORLD:
            if component.name != _FACE_MESH:
                limbs += [(a + len(names), b + len(names)) for a, b in component.limbs]
            points = canonical_names(component.points, component.name)
            twice = not set(points).isdisjoint(names)
            names += (f"{component.name.lower()}_{point}" for point in points) if twice else points
            indices += range(start, start + len(component.points))
        start += len(component.points)
    known = layout_with_points(names)
    if known is None:
        return indices, layout_of_names(tuple(names), tuple(limbs))
    position = dict(zip(names, indices, strict=True))
    return [position[point] for point in known.points], known


@dataclass(frozen=True, slots=True)
class _Component:
    """A component: the names of its points, and pairs of them."""

    name: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Size:
    """Size of a file by its header: components, persons and frames."""

    components: Sequence[_Component]
    persons: int
    frames: int

    @property
    def points(self) -> int:
        """V."""
        return sum(len(component.points) for component in self.components)


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
        components: dict[str, _Component] = {}
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
            dims = len(columns) - 1
            names = tuple(self._text() for _ in range(points))
            ends = self._unpack(f"<{2 * limbs}H")
            components[name] = _Component(name, names, tuple(zip(ends[::2], ends[1::2], strict=True)))
            self._skip(6 * colors)
        if version == 0.2:
            _, frames, persons = self._unpack("<fIH")
        else:
            # Version 0.1 counts frames in 16 bits; pose-format uses the length of the file instead, and so do we.
            _, _, persons = self._unpack("<HHH")
            frames = -1
        points = sum(len(component.points) for component in components.values())
        return _Size(tuple(components.values()), persons, self._frames(frames, persons * points * (dims + 1) * 4))

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
