"""OpenPose's JSON: a file a frame, as `--write_json` leaves them; a clip is a zip archive of them.

https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.pose.clip import Float32, PoseClip, PoseError
from heatsvc.pose.readers.archive import unpack
from heatsvc.pose.readers.grid import Found, clip_of
from heatsvc.pose.readers.lists import array_from_lists, may_hold_booleans
from heatsvc.pose.readers.upload import Upload, parse_json

# In the order of the layout openpose137.
_PARTS = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")

_Person = dict[str, Float32]


def is_openpose(upload: Upload) -> bool:
    """An object with `people`, or a zip archive with `.json` members."""
    if upload.is_zip:
        return any(name.lower().endswith(".json") for name in upload.member_names)
    return isinstance(upload.json, dict) and "people" in upload.json


def read_openpose(upload: Upload) -> list[PoseClip]:
    """One frame, or the frames of an archive in the order of the numbers in their names.

    Persons are told apart by their position. A part that a person lacks is zeros with score 0; a part that nobody has
    in any frame is left out: BODY_25 alone gives V = 25, all four parts `openpose137`.

    Raises:
        PoseError: not OpenPose's keys, a part of other than x, y, score triples, or of different lengths in two
            frames; told with the frame file's name. Or no img_shape in the options.
        NoKeypointsError: nobody in any frame.
        LimitError: beyond the bounds.
    """
    sizes: dict[str, tuple[int, str | None]] = {}
    frames = []
    for frame in _frames(upload):
        people = _people(frame)
        for person in people:
            _check_sizes(person, sizes, frame)
        frames.append(people)
    parts = [(part, sizes[part][0]) for part in _PARTS if part in sizes]
    return [clip_of([[_join(person, parts) for person in people] for people in frames], upload)]


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame's parsed file, and what messages about it need: its name and its position in the clip."""

    content: Any
    booleans: bool
    bounds: Bounds
    file: str | None
    t: int

    def error(self, text: str, field: str) -> PoseError:
        return PoseError(text, field=field, file=self.file, frame=self.t)


def _frames(upload: Upload) -> Iterator[_Frame]:
    bounds = upload.options.bounds
    if not upload.is_zip:
        yield _Frame(upload.json, upload.booleans, bounds, upload.file, 0)
        return
    texts = {member.name: member.data for member in unpack(upload.data, bounds=bounds, file=upload.file)}
    bounds.check("max_frames", len(texts), "frames", file=upload.file)
    values = sum(text.count(b",") + 1 for text in texts.values())
    bounds.check("max_input_values", values, "JSON values", file=upload.file)
    for t, name in enumerate(sorted(texts, key=_number_order)):
        file = f"{upload.filename}/{name}"
        if not name.lower().endswith(".json"):
            raise PoseError(f"the archive holds {name!a:.80}: only OpenPose's frame files, .json, are read", file=file)
        yield _Frame(parse_json(texts[name], upload, file), may_hold_booleans(texts[name]), bounds, file, t)


def _number_order(name: str) -> list[tuple[int, int, str]]:
    """Names by the numbers in them: frame 9 before frame 10, however many zeros were written."""
    pieces = re.split(r"(\d{1,18})", name)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]


def _people(frame: _Frame) -> list[_Person]:
    people = frame.content.get("people") if isinstance(frame.content, dict) else None
    if not isinstance(people, list):
        raise frame.error('this is no OpenPose frame: it must be {"people": [...]}', "people")
    found = []
    for m, entry in enumerate(people):
        if not isinstance(entry, dict) or not any(part in entry for part in _PARTS):
            text = f"people[{m}] has no {_PARTS[0]}: it must be an object of OpenPose's 2D parts"
            raise frame.error(text, f"people[{m}]")
        found.append({part: _part(frame, f"people[{m}].{part}", entry[part]) for part in _PARTS if entry.get(part)})
    return found


def _part(frame: _Frame, name: str, value: object) -> Float32:
    """[V, 3] of a flat list."""
    numbers = array_from_lists(
        value, name, bounds=frame.bounds, booleans=frame.booleans, file=frame.file, frame=frame.t
    )
    if numbers.ndim != 1 or numbers.size % 3:
        shape = list(numbers.shape)
        raise frame.error(f"{name} must be one list of x, y, score after x, y, score, not {shape} numbers", name)
    return numbers.reshape(-1, 3)


def _check_sizes(person: _Person, sizes: dict[str, tuple[int, str | None]], frame: _Frame) -> None:
    """Every person's part has as many points as the first one's."""
    for part, points in person.items():
        expected, first = sizes.setdefault(part, (len(points), frame.file))
        if len(points) != expected:
            where = first or "an earlier person"
            text = f"{part} has {len(points)} points here and {expected} in {where}: a clip must come from one model"
            raise frame.error(text, part)


def _join(person: _Person, parts: list[tuple[str, int]]) -> Found:
    points = np.concatenate(
        [np.zeros((0, 3), np.float32), *(person.get(part, np.zeros((size, 3), np.float32)) for part, size in parts)]
    )
    return Found(points[:, :2], points[:, 2])
