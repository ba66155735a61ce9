"""Reads OpenPose's JSON: one file per frame, as written by `--write_json`.

https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.layouts import OPENPOSE_LIMBS, OPENPOSE_PARTS, Layout, layout_of_names, limbs_between
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists, may_hold_booleans
from heatsvc.pose.readers.upload import Upload

_PARTS = tuple(OPENPOSE_PARTS)
# The points of the body in `sep-json` of AlphaPose's `--format cmu`.
_JOINTS = "joints"

_Person = dict[str, Float32]


def is_openpose(upload: Upload) -> bool:
    """Whether the content is an object with `people`, or with `bodies`, as AlphaPose calls them."""
    return isinstance(upload.json, dict) and ("people" in upload.json or "bodies" in upload.json)


def read_openpose(upload: Upload) -> list[PoseClip]:
    """Read one frame, or the frame files of a clip.

    Persons are identified by their index. A part that a person lacks is 0 with score 0; a part that no person has in
    any frame is left out: BODY_25 alone is `openpose25`, all four parts `openpose137`.

    Raises:
        PoseError: the keys are not OpenPose's, a part is not a list of x, y, score triples, or has different lengths in
            two frames, or the options do not specify img_shape.
        NoKeypointsError: no frame has persons.
        LimitError: a bound is exceeded.
    """
    builder = ClipBuilder(upload, len(upload.frames) or 1)
    sizes: dict[str, tuple[int, str | None]] = {}
    frames = [_people(frame, sizes, builder) for frame in _frames(upload)]
    builder.allocate()
    starts, start = {}, 0
    for part in _PARTS:
        starts[part] = start
        start += sizes[part][0] if part in sizes else 0
    for t, people in enumerate(frames):
        upload.options.token.raise_if_cancelled()
        for m, person in enumerate(people):
            for part, points in person.items():
                columns = slice(starts[part], starts[part] + len(points))
                builder.keypoint[m, t, columns], builder.keypoint_score[m, t, columns] = points[:, :2], points[:, 2]
    return [builder.build(layout=_layout({part: size for part, (size, _) in sizes.items()}))]


def _layout(sizes: dict[str, int]) -> Layout | None:
    """The layout of parts with the given numbers of points; None if no model of OpenPose has such a part."""
    names: list[str] = []
    for part, models in OPENPOSE_PARTS.items():
        size = sizes.get(part, 0)
        found = next((points for points in models if len(points) == size), None)
        if size and found is None:
            return None
        names += found or ()
    limbs = OPENPOSE_LIMBS.get(sizes.get("pose_keypoints_2d", 0), OPENPOSE_LIMBS[25])
    return layout_of_names(tuple(names), limbs_between(names, limbs)) if names else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame's parsed file, with its name and index for messages."""

    content: Any
    booleans: bool
    upload: Upload
    file: str | None
    t: int

    def error(self, text: str, field: str) -> PoseError:
        return PoseError(text, field=field, file=self.file, frame=self.t)


def _frames(upload: Upload) -> Iterator[_Frame]:
    if not upload.frames:
        yield _Frame(upload.json, upload.booleans, upload, upload.file, 0)
        return
    for t, (frame, content) in enumerate(upload.parse_frames()):
        yield _Frame(content, may_hold_booleans(frame.data), upload, frame.name, t)


def _people(frame: _Frame, sizes: dict[str, tuple[int, str | None]], builder: ClipBuilder) -> list[_Person]:
    """A frame's persons. Counts them in `sizes` and `builder` before arrays are made."""
    content = frame.content if isinstance(frame.content, dict) else {}
    people = content.get("people", content.get("bodies"))
    if frame.content is None:
        people = []  # a blank file
    elif isinstance(people, dict):
        people = [people] if people else []  # the sign-language sets of AIHub have the one person so
    if not isinstance(people, list):
        raise frame.error('the file is not an OpenPose frame, {"people": [...]}', "people")
    builder.count(persons=len(people), field="people", file=frame.file)
    found = []
    for m, entry in enumerate(people):
        if isinstance(entry, dict) and _JOINTS in entry:
            entry = {_PARTS[0]: entry[_JOINTS]}
        if not isinstance(entry, dict) or not any(part in entry for part in _PARTS):
            text = f"people[{m}] has no {_PARTS[0]}: it must be an object of OpenPose's 2D parts"
            raise frame.error(text, f"people[{m}]")
        person = {}
        for part in _PARTS:
            value = entry.get(part)
            if not value:
                continue
            name = f"people[{m}].{part}"
            if isinstance(value, list):
                builder.count(points=len(value) // 3, field=name, file=frame.file)
            person[part] = _part(frame, name, value)
            _check_size(part, len(person[part]), sizes, frame)
            builder.count(points=sum(size for size, _ in sizes.values()), field=name, file=frame.file)
        found.append(person)
    return found


def _part(frame: _Frame, name: str, value: object) -> Float32:
    """[V, 3] of a flat list."""
    bounds = frame.upload.options.bounds
    numbers = array_from_lists(value, name, bounds=bounds, booleans=frame.booleans, file=frame.file, frame=frame.t)
    if numbers.ndim != 1 or numbers.size % 3:
        shape = list(numbers.shape)
        raise frame.error(f"{name} must be one flat list of x, y, score of each point, not {shape} numbers", name)
    return numbers.reshape(-1, 3)


def _check_size(part: str, points: int, sizes: dict[str, tuple[int, str | None]], frame: _Frame) -> None:
    """Every person's part has as many points as the first one's."""
    expected, first = sizes.setdefault(part, (points, frame.file))
    if points != expected:
        where = first or "an earlier person"
        text = f"{part} has {points} points here, but {expected} in {where}: a clip must come from one model"
        raise frame.error(text, part)
