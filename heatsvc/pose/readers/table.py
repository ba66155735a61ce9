"""Reads tables of points in CSV with one row per frame, as scripts for MediaPipe write them.

The columns of a point are called by its number (``x0, y0, z0, v0``, ``pose_0_x``, ``x_left_hand_0``, ``landmark_0_x``)
or by its name (``NOSE_x, NOSE_y``). Other columns are ignored, except for the frame's number and the video's name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from heatsvc.pose.archives.frames import frames_of_numbers
from heatsvc.pose.clip import Float32, PoseClip, check_frame_dir
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.layouts import Layout, infer_layout, layout_of_names
from heatsvc.pose.layouts.mediapipe import MEDIAPIPE_POSE33, POSE_33
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.point_names import order_points
from heatsvc.pose.readers.upload import Upload

# The header of 553 points with four columns each has 50 KB.
HEAD = 1 << 17
_MIN_POINTS = 3
AXES = {
    **dict.fromkeys(("x", "y", "z"), None),
    **dict.fromkeys(("v", "vis", "visibility", "c", "conf", "confidence", "s", "score", "likelihood", "p"), "score"),
}
_AXIS = "|".join(sorted(AXES, key=len, reverse=True))
_AXIS_LAST = re.compile(rf"(.*?)[_. ]?({_AXIS})", re.IGNORECASE)
_AXIS_FIRST = re.compile(rf"({_AXIS})[_. ]?((?:.*[_. ])?\d+)", re.IGNORECASE)
FRAME_COLUMNS = ("frame", "frame_id", "frame_index", "frame_idx", "frame_number", "frame_num", "frame_no")
VIDEO_COLUMNS = (
    "video",
    "video_name",
    "video_id",
    "video_file",
    "file",
    "filename",
    "file_name",
    "sequence_id",
    "clip",
)
_LABEL_COLUMNS = ("class", "label", "target")
MISSING = ("", "nan", "none", "null", "na")
LINE_END = re.compile(rb"[\r\n]")
# Other columns of trackers that have an x and a y.
_NO_POINTS = ("bbox", "box", "bounding", "center", "centre", "gaze", "image_", "img_")


@dataclass(frozen=True, slots=True)
class _Header:
    """The columns of a table.

    Attributes:
        separator: of cells.
        columns: numbers of the columns of x, y and score of each point; -1 without a score.
        names: names of the points; () if they have only numbers.
        frame, video, label: numbers of these columns, None without.
    """

    separator: str
    columns: tuple[tuple[int, int, int], ...]
    names: tuple[str, ...]
    frame: int | None
    video: int | None
    label: int | None


class _Row(NamedTuple):
    """A row: its line, number of frame, video and class, where the table has such, and points [V, 3]."""

    line: int
    frame: int | None
    video: str
    label: str
    points: Float32


def is_table(upload: Upload) -> bool:
    """Whether the content is text whose first line has x and y of at least three points."""
    return _read_header(upload) is not None


def read_table(upload: Upload) -> list[PoseClip]:
    """Read one clip, or one for each name in a column of videos.

    Rows of one frame number are persons in one frame. A cell that is empty or ``nan`` means that the point was not
    detected, as zeros do. Points without a score have score 1. Coordinates within 0..1 are multiplied by img_shape.

    Raises:
        PoseError: rows have several classes, and so are not frames of a video; frames are out of order; a cell is not a
            number; or the options do not specify img_shape.
        NoKeypointsError: the table has no rows.
        LimitError: a bound is exceeded.
    """
    header = _read_header(upload)
    if header is None:
        raise PoseError("the first line must have the columns x and y of at least three points", file=upload.file)
    bounds = upload.options.bounds
    videos: dict[str, list[_Row]] = {}
    labels: set[str] = set()
    frames: dict[str, set[int]] = {}
    for row in _rows(header, upload):
        labels.add(row.label)
        videos.setdefault(row.video, []).append(row)
        frames.setdefault(row.video, set()).add(len(videos[row.video]) if row.frame is None else row.frame)
        bounds.check("max_frames", len(frames[row.video]), "frames", file=upload.file)
    if not videos:
        raise NoKeypointsError("the table has no rows", file=upload.file)
    if len(videos) > 1 and all(len(rows) == 1 for rows in videos.values()):
        # A column of images, which are one for each row.
        videos = {"": [row for rows in videos.values() for row in rows]}
    bounds.check("max_clips", len(videos), "clips", file=upload.file)
    if len(videos) == 1:
        if len(labels) > 1:
            raise PoseError(
                f"the rows of the table have {len(labels):,} classes, so they are not frames of one video: send a file "
                "for each video, or a column `video` with their names",
                file=upload.file,
            )
        return [_read_clip(next(iter(videos.values())), header, upload)]
    clips = []
    for name, rows in videos.items():
        check_frame_dir(name, field="video", file=upload.file)
        clips.append(replace(_read_clip(rows, header, upload), frame_dir=name))
    return clips


def read_rows(upload: Upload, separator: str, last: int) -> Iterator[tuple[int, list[str]]]:
    """The non-empty lines after the first: their numbers and cells.

    Args:
        upload: a table.
        separator: of cells.
        last: number of the last column that is read.

    Raises:
        PoseError: no CSV, or a line without that column.
        LimitError: more than max_input_values cells.
    """
    values = upload.data.count(separator.encode()) + upload.data.count(b"\n") + 1
    upload.options.bounds.check("max_input_values", values, "cells", file=upload.file)
    text = StringIO(upload.data.decode("utf-8-sig", errors="replace"), newline="")
    reader = csv.reader(text, delimiter=separator, skipinitialspace=True)
    try:
        next(reader)
        for cells in reader:
            line = reader.line_num
            if line % 256 == 0:
                upload.options.token.raise_if_cancelled()
            if any(cells):
                if len(cells) <= last:
                    detail = f"line {line} has {len(cells)} cells: it must have at least {last + 1}"
                    raise PoseError(detail, file=upload.file)
                yield line, cells
    except csv.Error as error:
        raise PoseError(f"line {reader.line_num}: {error}", file=upload.file) from None


def _rows(header: _Header, upload: Upload) -> Iterator[_Row]:
    others = (header.frame, header.video, header.label)
    last = max(max(map(max, header.columns)), *(column or 0 for column in others))
    for line, cells in read_rows(upload, header.separator, last):
        video, label = ("" if column is None else cells[column] for column in (header.video, header.label))
        yield _Row(line, _frame(cells, header, line, upload), video, label, _points(cells, header, line, upload))


def _read_header(upload: Upload) -> _Header | None:
    head = upload.data[:HEAD]
    line = LINE_END.split(head, maxsplit=1)[0]
    if len(line) == HEAD or b"\0" in line or line.lstrip()[:1] in (b"{", b"["):
        return None
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    separator = max(",;\t", key=text.count)
    cells = [cell.strip().strip('"') for cell in text.strip("\r\n").split(separator)]
    upload.options.bounds.check("max_input_values", len(cells), "columns", file=upload.file)
    found: dict[str, dict[str, int]] = {}
    for column, cell in enumerate(cells):
        if (point := _split(cell)) is not None and point[1] not in found.setdefault(point[0], {}):
            found[point[0]][point[1]] = column
    points = {name: axes for name, axes in found.items() if {"x", "y"} <= axes.keys()}
    if len(points) < _MIN_POINTS:
        return None
    order, names = order_points(points)
    lower = [cell.lower().replace(" ", "_") for cell in cells]
    return _Header(
        separator,
        tuple((points[name]["x"], points[name]["y"], points[name].get("score", -1)) for name in order),
        names,
        *(next((lower.index(name) for name in wanted if name in lower), None) for wanted in _OTHERS),
    )


_OTHERS = (FRAME_COLUMNS, VIDEO_COLUMNS, _LABEL_COLUMNS)


def _split(cell: str) -> tuple[str, str] | None:
    """Point and axis of a column's name: ``("pose_0", "x")`` for ``pose_0_x`` and ``x_pose_0``."""
    if len(cell) > 80 or cell.lower().startswith(_NO_POINTS):
        return None
    if match := _AXIS_FIRST.fullmatch(cell):
        axis, point = match.groups()
    elif (match := _AXIS_LAST.fullmatch(cell)) and match[1]:
        point, axis = match.groups()
    else:
        return None
    return point, AXES[axis.lower()] or axis.lower()


def _read_clip(rows: list[_Row], header: _Header, upload: Upload) -> PoseClip:
    indices = _indices(rows, upload)
    builder = ClipBuilder(upload, indices[-1][1] + 1)
    builder.count(persons=max(m for m, _ in indices) + 1, points=len(header.columns))
    builder.allocate()
    for row, (m, t) in zip(rows, indices, strict=True):
        builder.keypoint[m, t], builder.keypoint_score[m, t] = row.points[:, :2], row.points[:, 2]
    layout: Layout | None = layout_of_names(header.names) if header.names else None
    if layout is None and len(header.columns) == len(POSE_33):
        layout = MEDIAPIPE_POSE33
    elif layout is None and not upload.options.layout:
        layout = infer_layout(len(header.columns), file=upload.file)
    return builder.build(layout=layout, are_normalized=True)


def _indices(rows: list[_Row], upload: Upload) -> list[tuple[int, int]]:
    """The indices of person and frame of each row."""
    numbers = [row.frame for row in rows if row.frame is not None]
    if len(numbers) < len(rows):
        return [(0, t) for t in range(len(rows))]
    for row, (before, after) in zip(rows[1:], pairwise(numbers), strict=True):
        if after < before:
            text = f"line {row.line} is frame {after} after {before}: frames must be in the video's order"
            raise PoseError(text, file=upload.file)
    unique = list(dict.fromkeys(numbers))
    frame_of = dict(zip(unique, frames_of_numbers(unique), strict=True))
    persons = dict.fromkeys(unique, -1)
    indices = []
    for number in numbers:
        persons[number] += 1
        indices.append((persons[number], frame_of[number]))
    return indices


def _frame(cells: list[str], header: _Header, line: int, upload: Upload) -> int | None:
    """The number of a row's frame; None in a table without."""
    if header.frame is None:
        return None
    number = read_number(cells[header.frame])
    if number is None or not is_frame_number(number):  # seconds, perhaps
        text = f"line {line}: the frame must be a whole number, not {cells[header.frame]!r:.40}"
        raise PoseError(text, file=upload.file)
    return int(number)


def is_frame_number(number: float) -> bool:
    """Whether it is a whole number, and one that a float holds exactly."""
    return number.is_integer() and abs(number) < 1 << 53


def read_number(cell: str) -> float | None:
    """A number of a table; Python's underscores and digits of other scripts are not accepted."""
    if not cell.isascii() or "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _points(cells: list[str], header: _Header, line: int, upload: Upload) -> Float32:
    """x, y and score [V, 3] of a row."""
    numbers = np.ones((len(header.columns), 3))
    for point, columns in enumerate(header.columns):
        for axis, column in enumerate(columns):
            if column < 0:
                continue
            cell = cells[column].strip()
            number = np.nan if cell.lower() in MISSING else read_number(cell)
            if number is None:
                where = f"line {line}, column {column + 1}"
                text = f"{where}: {cell!r:.40} is not a number; leave the cell empty for 'not detected'"
                raise PoseError(text, file=upload.file)
            numbers[point, axis] = number
    numbers[(numbers[:, :2] == 0).all(axis=1), 2] = 0
    with np.errstate(over="ignore"):  # PoseClip.build refuses infinities
        return numbers.astype(np.float32)
