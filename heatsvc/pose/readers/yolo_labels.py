"""Reads labels of YOLO's pose models, a text file for each image, as in Ultralytics' `save_txt` and training data.

A line is a person: class, the box's center, width and height, then x, y and mostly a score of each keypoint, all in
0..1 of the image; `save_conf` adds the person's confidence at the end, and a tracker its number.

https://docs.ultralytics.com/datasets/pose
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from heatsvc.pose.archives.frames import frames_of_numbers
from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.layouts import LAYOUTS_BY_POINTS
from heatsvc.pose.layouts.coco import COCO17
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.tracks import assign_rows
from heatsvc.pose.readers.upload import FrameFile, Upload

_BOX = 5
_MIN_POINTS = 3
_HEAD = 1 << 14
# Boxes are cut at the image's borders, keypoints are not.
_OUTSIDE = 0.01
# Keypoints count as in a box up to so far from its center, in its sides.
_NEAR = 0.6
_TOLERANCE = 0.1
_LOOKED_AT = 32


class _Person(NamedTuple):
    """A line: its position, and its numbers."""

    file: str
    line: int
    numbers: list[float]


def is_yolo_labels(upload: Upload) -> bool:
    """Whether the content is text whose first line is a person."""
    line = upload.data[:_HEAD].lstrip().split(b"\n", 1)[0]
    return len(line) < _HEAD and _is_person(_numbers(line))


def read_yolo_labels(upload: Upload) -> list[PoseClip]:
    """Read one clip from the labels of one or several images.

    Ultralytics writes no file for an image without persons: where most images follow one another, the missing ones are
    frames without persons. A tracked person keeps one row; otherwise persons are in the order of their lines. A
    keypoint at (0, 0) was not detected. Keypoints without a score have score 1, as have those with COCO's visibility
    flags.

    Raises:
        PoseError: a line is invalid, persons are from different models, or the options do not specify img_shape.
        NoKeypointsError: no frame has persons.
        LimitError: a bound is exceeded.
    """
    files = upload.frames or (FrameFile(upload.filename, upload.data, 0),)
    values = sum(file.data.count(b" ") + file.data.count(b"\n") + 1 for file in files)
    upload.options.bounds.check("max_input_values", values, "numbers", file=upload.file)
    images = []
    for file in files:
        upload.options.token.raise_if_cancelled()
        images.append(list(_persons(file)))
    lengths = sorted({len(person.numbers) - _BOX for persons in images for person in persons})
    times = frames_of_numbers([file.number for file in files])
    builder = ClipBuilder(upload, times[-1] + 1)
    shortest = [person.numbers for persons in images for person in persons if len(person.numbers) - _BOX == lengths[0]]
    points, width = _shape(shortest[:_LOOKED_AT]) if shortest else (0, 0)
    ends = [length - points * width for length in lengths]
    if ends and ends[-1] > 2:
        _raise_mixed(images, upload)
    builder.count(points=points)
    rows = _rows(images, times, has_more=bool(ends) and ends[0] > 0)
    builder.count(persons=max(map(max, filter(None, rows)), default=-1) + 1)
    builder.allocate()
    for t, persons, places in zip(times, images, rows, strict=True):
        for person, m in zip(persons, places, strict=True):
            with np.errstate(over="ignore"):  # PoseClip.build refuses infinities
                numbers = np.array(person.numbers[_BOX : _BOX + points * width]).astype(np.float32)
            numbers = numbers.reshape(points, width)
            builder.keypoint[m, t] = numbers[:, :2]
            builder.keypoint_score[m, t] = _scores(numbers)
    score = builder.keypoint_score
    if ((score == 0) | (score == 1) | (score == 2)).all():
        np.minimum(score, 1, out=score)
    return [builder.build(are_normalized=True)]


def _persons(file: FrameFile) -> Iterator[_Person]:
    for number, line in enumerate(file.data.split(b"\n"), 1):
        if not line.strip():
            continue
        numbers = _numbers(line)
        if not _is_person(numbers):
            raise PoseError(
                f"line {number} is not a person of a pose model, which is class, box and normalized keypoints, such as "
                f"'0 0.5 0.5 0.2 0.4' and x, y, score of each keypoint",
                file=file.name or None,
            )
        yield _Person(file.name, number, numbers)


def _numbers(line: bytes) -> list[float]:
    """The numbers of a line; empty if it is not such a line."""
    cells = line.split()
    if len(cells) < _BOX + 2 * _MIN_POINTS or not cells[0].isdigit():
        return []
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return []


def _is_person(numbers: Sequence[float]) -> bool:
    """Whether numbers begin with a class and a box within the image; polygons of a segmentation hardly do."""
    if len(numbers) < _BOX + 2 * _MIN_POINTS:
        return False
    x, y, width, height = numbers[1:_BOX]
    return all(
        side > 0 and center - side / 2 >= -_OUTSIDE and center + side / 2 <= 1 + _OUTSIDE
        for center, side in ((x, width), (y, height))
    )


def _shape(persons: Sequence[Sequence[float]]) -> tuple[int, int]:
    """How many keypoints persons have, and how many numbers each, by lines of one length.

    21 keypoints of two numbers are as long as 14 of three, and up to two numbers may follow. The numbers with most
    keypoints in their persons' boxes are chosen; of equal ones, COCO's 17 or another number of a layout.
    """
    length = len(persons[0]) - _BOX
    fitting = [((length - end) // width, width) for end in (0, 1, 2) for width in (3, 2) if (length - end) % width == 0]
    fitting.sort(key=lambda shape: (shape[0] != len(COCO17.points), shape[0] not in LAYOUTS_BY_POINTS))
    shares = [sum(_share_in_box(person, *shape) for person in persons) / len(persons) for shape in fitting]
    return next(shape for shape, share in zip(fitting, shares, strict=True) if share >= max(shares) - _TOLERANCE)


def _share_in_box(person: Sequence[float], points: int, width: int) -> float:
    """The fraction of a person's keypoints, except those at (0, 0), that are in or near the box."""
    x, y, *sides = person[1:_BOX]
    found = np.array(person[_BOX : _BOX + points * width]).reshape(points, width)[:, :2]
    found = found[(found != 0).any(axis=1)]
    return float((np.abs(found - (x, y)) <= np.array(sides) * _NEAR).all(axis=1).sum()) / max(1, len(found))


def _raise_mixed(images: Sequence[Sequence[_Person]], upload: Upload) -> None:
    first = next(person for persons in images for person in persons)
    length = len(first.numbers)
    other = next(person for persons in images for person in persons if abs(len(person.numbers) - length) > 0)
    raise PoseError(
        f"line {other.line} has {len(other.numbers)} numbers, line {first.line} of {first.file!r:.80} has {length}: "
        "a clip must come from one model",
        file=other.file or upload.file,
    )


def _rows(images: Sequence[Sequence[_Person]], times: Sequence[int], *, has_more: bool) -> list[list[int]]:
    """The row of each person: by the tracker's number, the last of lines with more than keypoints, if all have one."""
    by_line = [list(range(len(persons))) for persons in images]
    if not has_more:
        return by_line
    tracks: dict[float, tuple[int, int]] = {}
    for t, persons in zip(times, images, strict=True):
        seen = [person.numbers[-1] for person in persons]
        # A confidence is below 1, or exactly 1 for several.
        if len(set(seen)) < len(seen) or not all(number >= 1 and number.is_integer() for number in seen):
            return by_line
        for number in seen:
            tracks[number] = (tracks[number][0] if number in tracks else t, t)
    rows = assign_rows(tracks)
    return [[rows[person.numbers[-1]] for person in persons] for persons in images]


def _scores(numbers: Float32) -> Float32:
    """Scores [V] of [V, 2 or 3]; 0 for keypoints at (0, 0)."""
    score = numbers[:, 2] if numbers.shape[1] == 3 else np.ones(len(numbers), np.float32)
    return np.where((numbers[:, :2] == 0).all(axis=1), np.float32(0), score)
