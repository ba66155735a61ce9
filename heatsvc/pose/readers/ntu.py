"""Reads NTU RGB+D's `.skeleton` text: Kinect v2's 25 joints of each body in each frame.

The number of frames; for each frame the number of bodies; for each body a line that begins with its ID, the number of
joints, and a line of 12 numbers for each joint: x, y, z in meters, x and y in the depth image, x and y in the color
image, four numbers of its orientation, and its tracking state.

https://github.com/shahroudy/NTURGB-D/blob/master/Matlab/read_skeleton_file.m
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import CutShortError, PoseError
from heatsvc.pose.layouts.body import NTU25
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.tracks import assign_rows
from heatsvc.pose.readers.upload import Upload

# Of the video, in which color coordinates are measured.
_IMG_SHAPE = (1080, 1920)
_JOINTS = len(NTU25.points)
_COLUMNS, _X, _Y, _STATE = 12, 5, 6, 11
# Kinect's TrackingState: not tracked, inferred (from joints around it, such as behind the body), tracked.
_SCORES = {b"0": 0.0, b"1": 0.5, b"2": 1.0}
_HEAD = 1 << 16
_EMPTY = rb"\s*\d{1,9}[ \t\r]*\n(?:[ \t]*0[ \t\r]*\n)*"
_BODY = rb"[ \t]*\d{1,9}[ \t\r]*\n[ \t]*\d{1,20}(?:[ \t]+[^\s]{1,30}){9}[ \t\r]*\n[ \t]*25[ \t\r]*\n"
_BEGINNING = re.compile(_EMPTY + _BODY)
# Possessive quantifiers: otherwise a file of spaces would take quadratic time.
_WITHOUT_BODIES = re.compile(rb"\s*+\d{1,9}[ \t\r]*+\n(?:[ \t]*+0[ \t\r]*+\n)*+(?:[ \t]*+0)?+\s*+\Z")


class _Body(NamedTuple):
    """A body in a frame: its ID, and the number of the line of its first joint, from 0 on."""

    track: bytes
    line: int


def is_ntu(upload: Upload) -> bool:
    """Whether the content is a number of frames, frames without bodies, and then a body of 25 joints or the end."""
    if _BEGINNING.match(upload.data[:_HEAD]):
        return True
    return upload.filename.lower().endswith(".skeleton") and bool(_WITHOUT_BODIES.match(upload.data))


def read_ntu(upload: Upload) -> list[PoseClip]:
    """Read one clip, with the coordinates in the color image of 1920 x 1080 pixels.

    A body keeps one row by its ID. The score of a joint is 1 where it was tracked, 0.5 where it was inferred, and 0
    where it was neither, or has no position in the color image (NaN).

    Raises:
        CutShortError: the file has fewer lines than it declares.
        PoseError: a body does not have 25 joints, or a number is invalid.
        NoKeypointsError: no frame has bodies.
        LimitError: a bound is exceeded.
    """
    options = upload.options
    values = upload.data.count(b" ") + upload.data.count(b"\n") + 1
    options.bounds.check("max_input_values", values, "numbers", file=upload.file)
    lines = upload.data.split(b"\n")
    frames = _frames(lines, upload)
    tracks: dict[bytes, tuple[int, int]] = {}
    for t, bodies in enumerate(frames):
        for body in bodies:
            tracks[body.track] = (tracks[body.track][0] if body.track in tracks else t, t)
        if len({body.track for body in bodies}) < len(bodies):
            raise upload.error(f"two bodies of frame {t} have the same ID", "bodyID", t)
    rows = assign_rows(tracks)
    builder = ClipBuilder(upload, len(frames))
    builder.count(persons=max(rows.values(), default=-1) + 1, points=_JOINTS)
    builder.allocate()
    for t, bodies in enumerate(frames):
        options.token.raise_if_cancelled()
        for body in bodies:
            joints = np.array([_joint(lines, body.line + joint, upload, t) for joint in range(_JOINTS)])
            m = rows[body.track]
            with np.errstate(over="ignore"):  # PoseClip.build refuses infinities
                builder.keypoint[m, t], builder.keypoint_score[m, t] = joints[:, :2], joints[:, 2]
    return [builder.build(_IMG_SHAPE, NTU25)]


def _frames(lines: list[bytes], upload: Upload) -> list[list[_Body]]:
    """The bodies of each frame, with the lines of their joints."""
    count, line = _integer(lines, 0, "the number of frames", upload), 1
    upload.options.bounds.check("max_frames", count, "frames", file=upload.file)
    frames = []
    for t in range(count):
        upload.options.token.raise_if_cancelled()
        bodies = []
        persons = _integer(lines, line, f"the number of bodies in frame {t}", upload)
        upload.options.bounds.check("max_persons", persons, "persons", file=upload.file)
        line += 1
        for _ in range(persons):
            track = (_line(lines, line, upload).split() or [b""])[0]
            joints = _integer(lines, line + 1, "the number of joints", upload)
            if joints != _JOINTS:
                raise _error(f"a body has {joints} joints: Kinect v2 has {_JOINTS}", line + 1, upload)
            bodies.append(_Body(track, line + 2))
            line += 2 + _JOINTS
        frames.append(bodies)
    return frames


def _joint(lines: list[bytes], line: int, upload: Upload, t: int) -> tuple[float, float, float]:
    """Place in the color image, and the score."""
    numbers = _line(lines, line, upload).split()
    try:
        if len(numbers) == _COLUMNS:
            return float(numbers[_X]), float(numbers[_Y]), _SCORES[numbers[_STATE]]
    except (ValueError, KeyError):
        pass
    text = f"a joint must be {_COLUMNS} numbers, the last of them its tracking state 0, 1 or 2"
    raise _error(text, line, upload, t)


def _integer(lines: list[bytes], line: int, what: str, upload: Upload) -> int:
    text = _line(lines, line, upload).strip()
    if not (text.isdigit() and len(text) < 10):
        raise _error(f"the line must be {what}", line, upload)
    return int(text)


def _line(lines: list[bytes], line: int, upload: Upload) -> bytes:
    if line >= len(lines):
        raise CutShortError(f"the file ends after {len(lines)} lines, within a frame", file=upload.file)
    return lines[line]


def _error(text: str, line: int, upload: Upload, t: int | None = None) -> PoseError:
    return PoseError(f"line {line + 1}: {text}", file=upload.file, frame=t)
