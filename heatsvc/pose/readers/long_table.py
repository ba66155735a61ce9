"""Reads tables of landmarks in CSV with one row per landmark: ``frame, type, landmark_index, x, y, z``.

Google's sign-language competitions and users of `pandas` write such tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from heatsvc.pose.archives.frames import frames_of_numbers
from heatsvc.pose.clip import PoseClip, check_frame_dir
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.layouts import infer_layout, layout_of_names
from heatsvc.pose.layouts.mediapipe import MEDIAPIPE_POSE33, POSE_33
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.point_names import order_points
from heatsvc.pose.readers.table import (
    AXES,
    FRAME_COLUMNS,
    HEAD,
    LINE_END,
    MISSING,
    VIDEO_COLUMNS,
    is_frame_number,
    read_number,
    read_rows,
)
from heatsvc.pose.readers.upload import Upload

_POINT_COLUMNS = (
    "landmark_index",
    "landmark_id",
    "landmark_idx",
    "landmark_name",
    "landmark",
    "keypoint",
    "joint",
    "index",
)
_PART_COLUMNS = ("type", "part", "landmark_type", "body_part", "component")
_PERSON_COLUMNS = ("person", "person_id", "pose_id", "hand_id", "track_id")
_SCORE_COLUMNS = tuple(name for name, axis in AXES.items() if axis == "score")


@dataclass(frozen=True, slots=True)
class _Header:
    """The separator of cells, and the numbers of the columns; None of those that are not there."""

    separator: str
    frame: int
    point: int
    x: int
    y: int
    score: int | None
    part: int | None
    person: int | None
    video: int | None


class _Row(NamedTuple):
    """A landmark of a frame."""

    line: int
    frame: int
    person: str
    point: str
    xy: tuple[float, float]
    score: float


def is_long_table(upload: Upload) -> bool:
    """Whether the content is text whose first line has columns of frames, landmarks, x and y."""
    return _read_header(upload) is not None


def read_long_table(upload: Upload) -> list[PoseClip]:
    """Read one clip, or one for each name in a column of videos.

    If few frame numbers are missing, they are frames without persons, see `frames_of_numbers`. A column such
    as ``person`` keeps persons apart. A cell that is empty or ``nan``, and both x and y 0, mean 'not detected'.

    Raises:
        PoseError: a landmark has two rows, a cell is not a number, or the options do not specify img_shape.
        NoKeypointsError: no rows.
        LimitError: more than the bounds allow.
    """
    header = _read_header(upload)
    if header is None:
        raise PoseError("the first line must have the columns frame, landmark_index, x and y", file=upload.file)
    bounds = upload.options.bounds
    videos: dict[str, list[_Row]] = {}
    for video, row in _rows(header, upload):
        videos.setdefault(video, []).append(row)
        bounds.check("max_clips", len(videos), "clips", file=upload.file)
    if not videos:
        raise NoKeypointsError("the table has no rows", file=upload.file)
    clips = []
    for name, rows in videos.items():
        clip = _read_clip(rows, upload)
        name = check_frame_dir(name, field="video", file=upload.file)
        clips.append(replace(clip, frame_dir=name) if len(videos) > 1 else clip)
    return clips


def _read_header(upload: Upload) -> _Header | None:
    line = LINE_END.split(upload.data[:HEAD], maxsplit=1)[0]
    if not 0 < len(line) < 1000 or b"\0" in line:
        return None
    text = line.decode("utf-8-sig", errors="replace")
    separator = max(",;\t", key=text.count)
    cells = [cell.strip().strip('"').lower().replace(" ", "_") for cell in text.strip("\r\n").split(separator)]

    def find(*names: str) -> int | None:
        return next((cells.index(name) for name in names if name in cells), None)

    frame, point, x, y = find(*FRAME_COLUMNS), find(*_POINT_COLUMNS), find("x"), find("y")
    if frame is None or point is None or x is None or y is None:
        return None
    others = (find(*names) for names in (_SCORE_COLUMNS, _PART_COLUMNS, _PERSON_COLUMNS, VIDEO_COLUMNS))
    return _Header(separator, frame, point, x, y, *others)


def _rows(header: _Header, upload: Upload) -> Iterator[tuple[str, _Row]]:
    """The video of each row, and the row."""
    columns = (header.frame, header.point, header.x, header.y, header.score, header.part, header.person, header.video)
    for line, cells in read_rows(upload, header.separator, max(column or 0 for column in columns)):
        part, person, video = (
            "" if column is None else cells[column] for column in (header.part, header.person, header.video)
        )
        x, y, frame = (_number(cells[column], line, upload) for column in (header.x, header.y, header.frame))
        score = 1.0 if header.score is None else _number(cells[header.score], line, upload)
        if not is_frame_number(frame):
            raise PoseError(f"line {line}: the frame must be a whole number", file=upload.file)
        point = cells[header.point].strip()[:80]
        name = f"{part.strip()[:80]}_{point}" if part else point
        yield video, _Row(line, int(frame), person, name, (x, y), 0.0 if x == 0 and y == 0 else score)


def _number(cell: str, line: int, upload: Upload) -> float:
    number = float("nan") if cell.strip().lower() in MISSING else read_number(cell)
    if number is None:
        text = f"line {line}: {cell!r:.40} is not a number; leave the cell empty for 'not detected'"
        raise PoseError(text, file=upload.file)
    return number


def _read_clip(rows: list[_Row], upload: Upload) -> PoseClip:
    numbers = sorted({row.frame for row in rows})
    frame_of = dict(zip(numbers, frames_of_numbers(numbers), strict=True))
    builder = ClipBuilder(upload, frame_of[numbers[-1]] + 1)
    points = dict.fromkeys(row.point for row in rows)
    persons = {person: m for m, person in enumerate(dict.fromkeys(row.person for row in rows))}
    builder.count(persons=len(persons), points=len(points))
    builder.allocate()
    order, names = order_points(points)
    if twice := points.keys() - set(order):
        raise PoseError(
            f"{min(twice)!r:.40} is a second name of a landmark in the table: use one name", file=upload.file
        )
    index = {point: i for i, point in enumerate(order)}
    xy, scores = np.zeros(builder.keypoint.shape), np.zeros(builder.keypoint_score.shape)
    seen = set()
    for row in rows:
        at = (persons[row.person], frame_of[row.frame], index[row.point])
        if at in seen:
            text = f"line {row.line} is a second {row.point!r:.40} of frame {row.frame}: add a column `person`"
            raise PoseError(text, file=upload.file)
        seen.add(at)
        xy[at], scores[at] = row.xy, row.score
    with np.errstate(over="ignore"):  # PoseClip.build refuses infinities
        builder.keypoint[:], builder.keypoint_score[:] = xy, scores
    layout = layout_of_names(names) if names else None
    if layout is None and len(order) == len(POSE_33):
        layout = MEDIAPIPE_POSE33
    elif layout is None and not upload.options.layout:
        layout = infer_layout(len(order), file=upload.file)
    return builder.build(layout=layout, are_normalized=True)
