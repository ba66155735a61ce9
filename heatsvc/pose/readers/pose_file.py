"""Reads `.pose`: binary files of the package pose-format, versions 0.0 to 0.2.

Versions 0.1 and 0.2 are read by that package. It does not validate the sizes in a file, so they are checked against the
file's length first. Of version 0.0, in which each frame has its own number of persons, it keeps the first person alone
and takes Python's time for each component of each: those frames are read here.
https://github.com/sign-language-processing/pose/tree/master/docs/specs
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.layouts import Layout, LayoutError, canonical_names, layout_of_names, layout_with_points
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.upload import Upload

# The version, a float32, is the file's first four bytes.
_VERSIONS = {struct.pack("<f", version): version for version in (0.0, 0.1, 0.2)}
_VERSION_0 = bytes(4)
# Version, width, height, depth and the number of components.
_HEAD_BYTES = 12
_MAX_COMPONENTS, _MAX_NAME_BYTES = 64, 200
_NOTHING = "the .pose file has no persons or no points"
# In meters around the hip, and the same points as POSE_LANDMARKS.
_WORLD = "POSE_WORLD_LANDMARKS"
# Its limbs, 2,556 sides of the mesh's triangles, are not used.
_FACE_MESH = "FACE_LANDMARKS"


def is_pose_file(upload: Upload) -> bool:
    """Whether the content begins with version 0.1 or 0.2; or with 0.0, and has the extension or a component's name."""
    if upload.data[:4] != _VERSION_0:
        return upload.data[:4] in _VERSIONS
    if upload.filename.lower().endswith(".pose"):
        return True
    name = upload.data[_HEAD_BYTES + 2 : _HEAD_BYTES + 2 + int.from_bytes(upload.data[_HEAD_BYTES:][:2], "little")]
    return 0 < len(name) <= _MAX_NAME_BYTES and name.isascii() and name.decode("ascii").isprintable()


def read_pose_file(upload: Upload) -> list[PoseClip]:
    """Read one clip: x and y of all components but the world landmarks, in the order of their layout if it is known.

    Points with confidence 0 keep their position, with score 0. img_shape is in the header. Persons of
    version 0.0 are identified by their index in the frame.

    Raises:
        PoseError: the file is truncated or longer than its header says, lacks x, y and confidence, or pose-format
            cannot read it.
        NoKeypointsError: no frame has persons.
        LimitError: there are more persons, frames or keypoints than the bounds allow.
    """
    reader = _HeaderReader(upload.data, upload.file)
    header = reader.read()
    upload.options.bounds.check("max_keypoints", header.points, "keypoints", file=upload.file)
    try:
        order, layout = _named(header.components)
    except LayoutError as error:
        error.file = upload.file
        raise
    if header.version == 0:
        keypoint, score = _read_version_0(upload, header, reader)
    else:
        reader.check_size(header, upload.options.bounds)
        keypoint, score = _arrays(_read(upload).body)
    img_shape = [header.height, header.width] if header.width > 0 and header.height > 0 else None
    return [upload.build_clip(keypoint[:, :, order], score[:, :, order], img_shape, layout=layout)]


def _read_version_0(upload: Upload, header: _Header, reader: _HeaderReader) -> tuple[Float32, Float32]:
    """Keypoint [M, T, V, 2] and score [M, T, V]: frames of a number of persons, each its id and its points."""
    _, frames = reader.unpack("<HH")
    person = np.dtype([("id", "<i2"), ("points", "<f4", (header.points, header.dims + 1))])
    builder = ClipBuilder(upload, frames)
    found: list[npt.NDArray[Any]] = []
    for _ in range(frames):
        (persons,) = reader.unpack("<H")
        builder.count(persons=persons, points=header.points if persons else 0)
        start = reader.position
        reader.skip(persons * person.itemsize)
        found.append(np.frombuffer(upload.data, person, persons, start)["points"])
    if left := len(upload.data) - reader.position:
        raise reader.error(f"the .pose file is damaged: {left:,} bytes follow its {frames:,} frames")
    builder.allocate()
    for t, points in enumerate(found):
        builder.keypoint[: len(points), t] = points[..., :2]
        builder.keypoint_score[: len(points), t] = points[..., -1]
    return _without_missing(builder.keypoint, builder.keypoint_score)


def _read(upload: Upload) -> Any:
    from pose_format import Pose

    try:
        return Pose.read(upload.data)
    except Exception as error:  # the package raises errors of struct, NumPy and its own code
        raise PoseError(f"pose-format cannot read this .pose file: {error!s:.200}", file=upload.file) from error


def _arrays(body: Any) -> tuple[Float32, Float32]:
    """Keypoint [M, T, V, 2] and score [M, T, V] of a body that is [T, M, V, D]."""
    xy = np.array(body.data.data[..., :2], np.float32).transpose(1, 0, 2, 3)
    return _without_missing(xy, np.array(body.confidence, np.float32).transpose(1, 0, 2))


def _without_missing(xy: Float32, score: Float32) -> tuple[Float32, Float32]:
    """Points of confidence 0 that have no position, at (0, 0)."""
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
class _Header:
    """What precedes the frames.

    Attributes:
        version: 0.0, 0.1 or 0.2.
        width, height: of the video in pixels, 0 where unknown.
        components: at least one.
        dims: coordinates of a point, 2 or more; its confidence follows them.
    """

    version: float
    width: int
    height: int
    components: Sequence[_Component]
    dims: int

    @property
    def points(self) -> int:
        """V."""
        return sum(len(component.points) for component in self.components)


class _HeaderReader:
    """Reads a file's header, and checks the sizes in it against the length of the file.

    Attributes:
        position: where the next byte is read.
    """

    def __init__(self, data: bytes, file: str | None):
        self.data = data
        self.file = file
        self.position = 0

    def read(self) -> _Header:
        self.position = 4
        version = _VERSIONS[self.data[:4]]
        width, height, _, count = self.unpack("<HHHH")
        if not 1 <= count <= _MAX_COMPONENTS:
            raise self.error(f"the .pose header has {count} components: it must have 1 to {_MAX_COMPONENTS}")
        components: dict[str, _Component] = {}
        dims = 0
        for _ in range(count):
            name, columns = self._text(), self._text()
            points, limbs, colors = self.unpack("<HHH")
            if name in components:
                raise self.error(f"two components of the .pose file are called {name!r:.80}")
            if not (columns.startswith("XY") and columns.endswith("C")) or (dims and dims != len(columns) - 1):
                raise self.error(
                    f"the component {name!r:.80} has the columns {columns!r:.20}: all must have XYC or XYZC"
                )
            dims = len(columns) - 1
            names = tuple(self._text() for _ in range(points))
            ends = self.unpack(f"<{2 * limbs}H")
            components[name] = _Component(name, names, tuple(zip(ends[::2], ends[1::2], strict=True)))
            self.skip(6 * colors)
        header = _Header(version, width, height, tuple(components.values()), dims)
        if header.points == 0:
            raise self.error(_NOTHING)
        return header

    def check_size(self, header: _Header, bounds: Bounds) -> None:
        """Read the numbers of frames and persons of version 0.1 or 0.2, and check them."""
        if header.version == 0.2:
            _, frames, persons = self.unpack("<fIH")
        else:
            # Version 0.1 counts frames in 16 bits; pose-format uses the length of the file instead, and so do we.
            _, _, persons = self.unpack("<HHH")
            frames = -1
        frames = self._frames(frames, persons * header.points * (header.dims + 1) * 4)
        bounds.check("max_persons", persons, "persons", file=self.file)
        bounds.check("max_frames", frames, "frames", file=self.file)

    def _frames(self, frames: int, frame_bytes: int) -> int:
        left = len(self.data) - self.position
        if frame_bytes == 0:
            raise self.error(_NOTHING)
        if left != frames * frame_bytes if frames >= 0 else left % frame_bytes:
            declared = f"{frames:,} frames" if frames >= 0 else "whole frames"
            raise self.error(
                f"the .pose file declares {declared} of {frame_bytes:,} bytes, but {left:,} bytes follow its header: "
                "it is truncated or damaged"
            )
        return left // frame_bytes

    def unpack(self, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize(layout)
        self.skip(size)
        return struct.unpack_from(layout, self.data, self.position - size)

    def skip(self, size: int) -> None:
        self.position += size
        if self.position > len(self.data):
            raise self.error("the .pose file is truncated within its header")

    def error(self, text: str) -> PoseError:
        return PoseError(text, file=self.file)

    def _text(self) -> str:
        (length,) = self.unpack("<H")
        self.skip(length)
        try:
            return self.data[self.position - length : self.position].decode()
        except UnicodeDecodeError:
            raise self.error("a name in the .pose header is not UTF-8") from None
