"""Reads DeepLabCut's tables: a column for x, y and likelihood of each point of each individual.

https://deeplabcut.github.io/DeepLabCut/docs/standardDeepLabCut_UserGuide.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO

import numpy as np

from heatsvc.bounds import BYTES_PER_POINT
from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.readers.named_points import clip_of_points
from heatsvc.pose.readers.upload import Upload

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COORDS = ("x", "y", "likelihood")
_LEVELS = {3: ("scorer", "bodyparts", "coords"), 4: ("scorer", "individuals", "bodyparts", "coords")}
_ROWS_PER_CHECK = 256
_WHAT = (
    "a table of DeepLabCut begins with the rows scorer, individuals (if there are several), bodyparts and coords, "
    "and has x, y and likelihood of each body part"
)


def is_deeplabcut(upload: Upload) -> bool:
    """Whether the content is a table whose first row is `scorer`."""
    return upload.data[:16].removeprefix(_BYTE_ORDER_MARK).startswith((b"scorer,", b'"scorer",'))


def read_deeplabcut(upload: Upload) -> list[PoseClip]:
    """Read one clip from CSV; see `clip_of_columns`. The rows are the frames, in their order.

    Raises:
        PoseError: other columns, a cell that is not a number, or a row of another length.
        NoKeypointsError: no rows.
        LimitError: more persons, frames, keypoints or cells than the bounds allow.
    """
    rows = _rows(upload)
    header: dict[str, list[str]] = {}
    for _ in range(max(_LEVELS)):
        row = next(rows, [])
        header[row[0] if row else ""] = row
        if "coords" in header:
            break
    levels = _LEVELS.get(len(header), ())
    if tuple(header) != levels:
        raise PoseError(
            f"the first column of the table is {', '.join(map(ascii, header))!s:.200}: {_WHAT}", file=upload.file
        )
    width = len(header["coords"])
    if any(len(row) != width for row in header.values()):
        raise PoseError(f"the rows of names in the table have different lengths: {_WHAT}", file=upload.file)
    # Tables of labels, by hand, have names of images in up to three columns before the numbers.
    first = next((i for i, coord in enumerate(header["coords"]) if coord in _COORDS), width)
    columns = [[header[level][i] for level in levels] for i in range(first, width)]
    upload.options.bounds.check("max_unpacked_bytes", width * 4, "bytes of keypoints", file=upload.file)
    values = []
    for t, row in enumerate(rows):
        upload.options.bounds.check("max_frames", t + 1, "frames", file=upload.file)
        if len(row) != width:
            raise PoseError(
                f"a row has {len(row)} cells, but the rows of names have {width}", file=upload.file, frame=t
            )
        values.append(_numbers(row[first:], upload, t))
    return [clip_of_columns(upload, columns, np.array(values, np.float32).reshape(len(values), len(columns)))]


def _rows(upload: Upload) -> Iterator[list[str]]:
    """The rows that are not empty."""
    bounds = upload.options.bounds
    bounds.check("max_input_values", upload.data.count(b",") + 1, "cells", file=upload.file)
    try:
        text = upload.data.decode("utf-8-sig")
        for number, row in enumerate(csv.reader(StringIO(text, newline=""), strict=True)):
            if number % _ROWS_PER_CHECK == 0:
                upload.options.token.raise_if_cancelled()
            if row:
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise PoseError(f"the table cannot be read as CSV in UTF-8: {error!s:.200}", file=upload.file) from None


def _numbers(cells: Sequence[str], upload: Upload, t: int) -> Float32:
    try:
        with np.errstate(over="ignore"):
            return np.array([float(cell) if cell else np.nan for cell in cells], np.float32)
    except ValueError as error:
        raise PoseError(f"a cell of the table is not a number: {error!s:.100}", file=upload.file, frame=t) from None


def clip_of_columns(upload: Upload, columns: Sequence[Sequence[str]], values: Float32) -> PoseClip:
    """The clip of a table, by the names of its columns.

    Individuals are persons, in the order of the table; a point that one of them lacks is not detected. likelihood is
    the score; without it, the score of a point that has a position is 1.

    Args:
        upload: source of the table.
        columns: for each column scorer, individual (if there are several), body part, and x, y or likelihood.
        values: float32 [T, columns], NaN where a point is missing.
    """
    bounds, file = upload.options.bounds, upload.file
    if not len(values):
        raise NoKeypointsError("the table has no frames", file=file)
    where: dict[tuple[str, str, str], int] = {}
    persons: dict[str, int] = {}
    points: dict[str, int] = {}
    scorers = set()
    for i, column in enumerate(columns):
        if len(column) not in _LEVELS or column[-1] not in _COORDS:
            raise PoseError(f"the table has a column {list(column)!r:.120}: {_WHAT}", file=file)
        scorers.add(column[0])
        person, (point, coord) = column[1] if len(column) == 4 else "", column[-2:]
        persons.setdefault(person, len(persons))
        points.setdefault(point, len(points))
        if (person, point, coord) in where:
            raise PoseError(
                f"the table has two columns {coord} of {point!r:.60}: keep the columns of one scorer", file=file
            )
        where[person, point, coord] = i
    if len(scorers) > 1:
        raise PoseError(f"the table has {len(scorers)} scorers: keep the columns of one", file=file)
    size = len(persons) * len(values) * len(points)
    bounds.check("max_persons", len(persons), "persons", file=file)
    bounds.check("max_frames", len(values), "frames", file=file)
    bounds.check("max_keypoints", len(points), "keypoints", file=file)
    bounds.check("max_unpacked_bytes", size * BYTES_PER_POINT, "bytes of keypoints", file=file)
    keypoint = np.full((len(persons), len(values), len(points), 2), np.nan, np.float32)
    score = np.full(keypoint.shape[:-1], np.nan, np.float32)
    for (person, point, coord), i in where.items():
        m, v = persons[person], points[point]
        if coord == "likelihood":
            score[m, :, v] = values[:, i]
        else:
            keypoint[m, :, v, _COORDS.index(coord)] = values[:, i]
    for person, point, _ in where:
        missing = [coord for coord in ("x", "y") if (person, point, coord) not in where]
        if missing:
            raise PoseError(f"the table has no column {missing[0]} of {point!r:.60}", file=file)
        if (person, point, "likelihood") not in where:
            score[persons[person], :, points[point]] = 1
    return clip_of_points(upload, list(points), (), keypoint, score)
