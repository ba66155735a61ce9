"""Results of Ultralytics' pose models as JSON, by `Results.to_json()` or `summary()`: a list of persons for each image.

``[{"name": "person", "class": 0, "confidence": 0.9, "box": {"x1": ..., "y1": ..., "x2": ..., "y2": ...},
"keypoints": {"x": [...], "y": [...], "visible": [...]}, "track_id": 1}, ...]``

A video is a list of such lists, or an object with one, ``{"results": [...]}``, or has a file for each image.

https://docs.ultralytics.com/reference/engine/results
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from heatsvc.pose.clip import PoseClip
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.tracks import assign_rows
from heatsvc.pose.readers.upload import Upload

_KEYS = ("results", "frames")
_CORNERS = ("x1", "y1", "x2", "y2")


class _Image(NamedTuple):
    """An image's field, for messages, and its persons."""

    field: str
    persons: list[Any]


def is_yolo_json(upload: Upload) -> bool:
    """Whether the content is a list of persons with `keypoints` in an object of lists, or a list of such lists."""
    obj = upload.json
    if isinstance(obj, dict):
        obj = next((obj[key] for key in _KEYS if isinstance(obj.get(key), list)), None)
    first = next(filter(None, obj), None) if isinstance(obj, list) else None
    return _is_person(first[0] if isinstance(first, list) else first)


def is_yolo_json_frame(upload: Upload) -> bool:
    """Whether it is the list of one image."""
    return len(_images_in(upload.json)) == 1


def read_yolo_json(upload: Upload) -> list[PoseClip]:
    """Read one clip from an image, a video, or several files of one image each.

    Coordinates are pixels, or normalized if all boxes are, as with `normalize=True`. A person with a
    `track_id` keeps one row; otherwise persons are in the order of the file, the highest confidence first. A keypoint
    at (0, 0) was not detected.

    Raises:
        PoseError: other keys, persons of different models; no img_shape in the options.
        NoKeypointsError: no persons in any frame.
        LimitError: more than the bounds allow.
    """
    images = _images_in(upload.json) if not upload.frames else []
    for file, content in upload.parse_frames():
        inside = _images_in([] if content is None else content)
        name = file.name.rpartition("/")[2]
        if len(inside) > 1:
            raise upload.error(
                f"{name} has {len(inside)} images, but other files have one: send videos and frames separately", name
            )
        if not inside:
            raise upload.error(f"{name} must be a list of persons, like the others", name)
        images.append(_Image(name, inside[0].persons))
    builder = ClipBuilder(upload, len(images))
    for t, image in enumerate(images):
        upload.options.token.raise_if_cancelled()
        builder.count(persons=len(image.persons), field=image.field)
        for m, person in enumerate(image.persons):
            if not _is_person(person):
                field = f"{image.field}[{m}]"
                raise upload.error(f"{field} must be a person with keypoints, an object of lists x and y", field, t)
            builder.count(points=len(person["keypoints"]["x"]), field=f"{image.field}[{m}].keypoints")
    rows = _rows(images)
    builder.count(persons=max(map(max, filter(None, rows)), default=-1) + 1)
    builder.allocate()
    for t, (image, places) in enumerate(zip(images, rows, strict=True)):
        upload.options.token.raise_if_cancelled()
        for i, (person, m) in enumerate(zip(image.persons, places, strict=True)):
            _read_person(person["keypoints"], f"{image.field}[{i}].keypoints", builder, m, t)
    return [builder.build(are_normalized=_are_normalized(images))]


def _images_in(obj: Any) -> list[_Image]:
    """The images of a file's JSON; empty if it has another form."""
    prefix = ""
    if isinstance(obj, dict):
        prefix = next((key for key in _KEYS if isinstance(obj.get(key), list)), "")
        obj = obj.get(prefix)
    if not isinstance(obj, list):
        return []
    if all(isinstance(item, list) for item in obj) and obj:
        return [_Image(f"{prefix}[{t}]", persons) for t, persons in enumerate(obj)]
    return [_Image(prefix, obj)]


def _is_person(person: Any) -> bool:
    keypoints = person.get("keypoints") if isinstance(person, dict) else None
    return isinstance(keypoints, dict) and all(isinstance(keypoints.get(axis), list) for axis in "xy")


def _read_person(keypoints: dict[str, Any], field: str, builder: ClipBuilder, m: int, t: int) -> None:
    """Write a person's keypoints to the clip."""
    upload = builder.upload
    columns = []
    for key in ("x", "y", "visible"):
        if key == "visible" and keypoints.get(key) is None:
            columns.append(np.ones(builder.points, np.float32))
            continue
        numbers = array_from_lists(
            keypoints[key],
            f"{field}.{key}",
            bounds=upload.options.bounds,
            booleans=upload.booleans or bool(upload.frames),
            file=upload.file,
            frame=t,
        )
        if numbers.shape != (builder.points,):
            text = f"{field}.{key} must be {builder.points} numbers, like the others, not {list(numbers.shape)}"
            raise upload.error(text, f"{field}.{key}", t)
        columns.append(numbers)
    x, y, score = columns
    builder.keypoint[m, t, :, 0], builder.keypoint[m, t, :, 1] = x, y
    builder.keypoint_score[m, t] = np.where((x == 0) & (y == 0), np.float32(0), score)


def _rows(images: list[_Image]) -> list[list[int]]:
    """The row of each person of each image: by `track_id` if all have one."""
    tracks: dict[int, tuple[int, int]] = {}
    by_place = [list(range(len(image.persons))) for image in images]
    for t, image in enumerate(images):
        seen = [person.get("track_id") for person in image.persons]
        if not all(type(track) is int for track in seen) or len(set(seen)) < len(seen):
            return by_place
        for track in seen:
            tracks[track] = (tracks[track][0] if track in tracks else t, t)
    rows = assign_rows(tracks)
    return [[rows[person["track_id"]] for person in image.persons] for image in images]


def _are_normalized(images: list[_Image]) -> bool:
    """Whether all boxes are within 0..1."""
    boxes = [person.get("box") for image in images for person in image.persons]
    corners = [box.get(corner) for box in boxes if isinstance(box, dict) for corner in _CORNERS]
    return bool(corners) and all(isinstance(corner, int | float) and -0.01 <= corner <= 1.01 for corner in corners)
