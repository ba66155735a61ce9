"""Reads results lists of COCO's evaluation and AlphaPose: persons in any order, each with its image.

``[{"image_id": "0.jpg", "category_id": 1, "keypoints": [x, y, score, ...], "score": 2.9, "idx": 0}, ...]``

https://cocodataset.org/#format-results, and AlphaPose's docs/output.md. AlphaPose's other forms hold OpenPose's 18
points of the same persons: ``{"0.jpg": {"version": ..., "bodies": [{"joints": [x, y, score, ...]}]}, ...}`` of
`--format cmu`, and ``{"0.jpg": {"version": ..., "people": [{"pose_keypoints_2d": [...]}]}, ...}`` of `--format open`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from heatsvc.pose.archives.frames import find_numbers, frames_of_numbers
from heatsvc.pose.clip import PoseClip, check_frame_dir
from heatsvc.pose.layouts import Layout
from heatsvc.pose.layouts.halpe import HALPE26, HALPE136
from heatsvc.pose.layouts.openpose import OPENPOSE18
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.tracks import assign_rows
from heatsvc.pose.readers.upload import Upload

# Only AlphaPose writes results with these numbers of points.
_ALPHAPOSE_LAYOUTS = {len(layout.points): layout for layout in (HALPE26, HALPE136)}
# Persons of an image, and the numbers of a person, in the forms of `--format cmu` and `--format open`.
_FORMS = (("bodies", "joints"), ("people", "pose_keypoints_2d"))
_TRACKS = ("idx", "track_id")
_EXTENSION = re.compile(r"\.[A-Za-z]\w{1,4}\Z")


class _Person(NamedTuple):
    """A person in an image.

    Attributes:
        keypoints: x, y, score after x, y, score, as in the file.
        score: of the whole person.
        track: its number, where the file has tracked it.
        field: path of the keypoints.
    """

    keypoints: object
    score: float
    track: Hashable
    field: str


class _Video(NamedTuple):
    """Images that are frames of one clip: its name, its number of frames, and the frame of each image."""

    name: str
    frames: int
    frame_of: dict[int, int]


def is_results(upload: Upload) -> bool:
    """Whether the content is a list of objects with `image_id` and `keypoints`, or AlphaPose's persons by image."""
    obj = upload.json
    if isinstance(obj, list):
        return bool(obj) and isinstance(obj[0], dict) and {"image_id", "keypoints"} <= obj[0].keys()
    return isinstance(obj, dict) and bool(obj) and _form_of(next(iter(obj.values()))) is not None


def read_results(upload: Upload) -> list[PoseClip]:
    """Read one clip, or one for each video whose images the file has.

    Frames are in the order of the number in the images' names, or of the ids; images whose names have no number, in
    the file's order. AlphaPose leaves images without persons out: where most images follow one another (0.jpg, 1.jpg,
    3.jpg), the missing ones become frames without persons, as in PYSKL's and MMAction2's annotations, if they are no
    more than those that are there. Otherwise the images follow one another.

    A person with a number, `idx` or `track_id`, keeps one row. Where these are missing, or the same for two persons of
    an image, persons are in the order of their scores, the highest first.

    Raises:
        PoseError: an entry has no image_id or keypoints, numbers of keypoints differ, two images have the same number,
            or the options do not specify img_shape.
        LimitError: a bound is exceeded.
    """
    layout = None
    if isinstance(upload.json, list):
        images = _images_of_list(upload)
    else:
        images, layout = _images_of_object(upload), OPENPOSE18
    names = [str(image) for image in images]
    persons = list(images.values())
    videos = _videos(names, upload)
    clips = [_read_clip(video, persons, layout, upload) for video in videos]
    if len(clips) == 1:
        return clips
    return [replace(clip, frame_dir=video.name) for clip, video in zip(clips, videos, strict=True)]


def _images_of_list(upload: Upload) -> dict[int | str, list[_Person]]:
    """The persons of each image; images with a number as id in the order of the numbers."""
    images: dict[int | str, list[_Person]] = {}
    for i, entry in enumerate(upload.json):
        if i % 1024 == 0:
            upload.options.token.raise_if_cancelled()
        if not isinstance(entry, dict) or not {"image_id", "keypoints"} <= entry.keys():
            raise upload.error(f"[{i}] must be an object with image_id and keypoints", f"[{i}]")
        image, score = entry["image_id"], entry.get("score")
        if type(image) is not str and (type(image) is not int or image < 0):
            text = f"[{i}].image_id must be the name of an image, or its number"
            raise upload.error(text, f"[{i}].image_id")
        track = next((entry[key] for key in _TRACKS if entry.get(key) is not None), None)
        number = float(score) if isinstance(score, int | float) else 0.0
        person = _Person(entry["keypoints"], number, _single(track), f"[{i}].keypoints")
        images.setdefault(image, []).append(person)
    if all(isinstance(image, int) for image in images):
        return dict(sorted(images.items()))
    return images


def _single(track: object) -> Hashable:
    """A track's number, which AlphaPose writes as 7, [7.0], [[7.0]] or [7.0, 7.0]; None of anything else."""
    while isinstance(track, list) and track:
        track = track[0]
    return track if type(track) in (int, float, str) else None


def _form_of(value: object) -> tuple[str, str] | None:
    """The entry of `_FORMS` that an image's object has; None if it has none."""
    return next((form for form in _FORMS if isinstance(value, dict) and form[0] in value), None)


def _images_of_object(upload: Upload) -> dict[int | str, list[_Person]]:
    images: dict[int | str, list[_Person]] = {}
    for image, value in upload.json.items():
        upload.options.token.raise_if_cancelled()
        form = _form_of(value)
        if form is None or not isinstance(value[form[0]], list):
            raise upload.error(f"{image!r:.80} must be an object with a list of bodies or people", f"{image:.80}")
        images[image] = []
        for m, person in enumerate(value[form[0]]):
            field = f"{image:.80}.{form[0]}[{m}].{form[1]}"
            if not isinstance(person, dict) or form[1] not in person:
                raise upload.error(f"{field!r} is missing: it must be a flat list of x, y, score of each point", field)
            images[image].append(_Person(person[form[1]], 0.0, None, field))
    return images


def _videos(names: Sequence[str], upload: Upload) -> list[_Video]:
    """The clips that the images are frames of: by the numbers in their names, which differ."""
    for name in names:
        check_frame_dir(name, field="image_id", file=upload.file)
    found = find_numbers((i, _EXTENSION.sub("", name.replace("\\", "/"))) for i, name in enumerate(names))
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for image in found:
        groups[image.folder, image.stem].append((image.number, image.position))
    if len(found) < len(names) or (len(groups) > 1 and min(map(len, groups.values())) == 1):
        return [_Video("", len(names), {position: position for position in range(len(names))})]
    videos = []
    for (folder, stem), images in groups.items():
        images.sort()
        numbers = [number for number, _ in images]
        for (before, first), (after, second) in pairwise(images):
            if before == after:
                text = f"{names[first]!r:.100} and {names[second]!r:.100} are both frame {after}: remove one"
                raise upload.error(text, "image_id")
        frames = frames_of_numbers(numbers)
        frame_of = {position: t for t, (_, position) in zip(frames, images, strict=True)}
        videos.append(_Video("/".join(part for part in (folder, stem) if part), frames[-1] + 1, frame_of))
    return videos


def _read_clip(video: _Video, persons: Sequence[Sequence[_Person]], layout: Layout | None, upload: Upload) -> PoseClip:
    builder = ClipBuilder(upload, video.frames)
    for position, t in video.frame_of.items():
        upload.options.token.raise_if_cancelled()
        for person in persons[position]:
            if isinstance(person.keypoints, list):
                _count_points(builder, len(person.keypoints) // 3, person.field, t)
    rows = _rows(video, persons)
    builder.count(persons=max(map(max, filter(None, rows.values())), default=-1) + 1)
    builder.allocate()
    for position, t in video.frame_of.items():
        upload.options.token.raise_if_cancelled()
        for person, m in zip(persons[position], rows[position], strict=True):
            numbers = array_from_lists(
                person.keypoints,
                person.field,
                bounds=upload.options.bounds,
                booleans=upload.booleans,
                file=upload.file,
                frame=t,
            )
            if numbers.shape != (3 * builder.points,):
                text = f"{person.field} must be one flat list of x, y, score of each point, not {list(numbers.shape)}"
                raise upload.error(text, person.field, t)
            points = numbers.reshape(-1, 3)
            builder.keypoint[m, t], builder.keypoint_score[m, t] = points[:, :2], points[:, 2]
    score = builder.keypoint_score
    if ((score == 0) | (score == 1) | (score == 2)).all():
        np.minimum(score, 1, out=score)  # COCO's visibility flags, of annotations
    return builder.build(layout=layout or _ALPHAPOSE_LAYOUTS.get(builder.points))


def _count_points(builder: ClipBuilder, points: int, field: str, t: int) -> None:
    """Count a person's points, which must be as many as those of the others."""
    if builder.points not in (0, points):
        text = f"{field} has {points} points, but others have {builder.points}: a clip must come from one model"
        raise builder.upload.error(text, field, t)
    builder.count(points=points, field=field)


def _rows(video: _Video, persons: Sequence[Sequence[_Person]]) -> dict[int, list[int]]:
    """The row of each person of each image."""
    tracks: dict[Hashable, tuple[int, int]] = {}
    is_tracked = True
    for position, t in sorted(video.frame_of.items(), key=lambda item: item[1]):
        seen = [person.track for person in persons[position]]
        is_tracked &= None not in seen and len(set(seen)) == len(seen)
        for track in seen if is_tracked else ():
            tracks[track] = (tracks[track][0] if track in tracks else t, t)
    if is_tracked:
        row_of = assign_rows(tracks)
        return {position: [row_of[person.track] for person in persons[position]] for position in video.frame_of}
    rows = {}
    for position in video.frame_of:
        scores = np.array([person.score for person in persons[position]])
        rows[position] = np.argsort(np.argsort(-scores, kind="stable"), kind="stable").tolist()
    return rows
