"""OpenPose's JSON: a file a frame, as `--write_json` leaves them; a clip is a zip archive of them.

https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from heatsvc.pose.clip import Float32, PoseClip, PoseError
from heatsvc.pose.readers.archive import unpack
from heatsvc.pose.readers.grid import Found, fill_grid
from heatsvc.pose.readers.lists import array_from_lists, may_hold_booleans
from heatsvc.pose.readers.names import frame_dir_of
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
    if upload.is_zip:
        members = unpack(upload.data, bounds=upload.options.bounds, file=upload.file)
        texts = {member.name: member.data for member in members}
    else:
        texts = {upload.filename: upload.data}
    bounds = upload.options.bounds
    bounds.check("max_frames", len(texts), "frames", file=upload.file)
    values = sum(text.count(b",") + 1 for text in texts.values())
    bounds.check("max_json_values", values, "JSON values", file=upload.file)
    sizes: dict[str, tuple[int, str | None]] = {}
    frames = []
    for t, name in enumerate(sorted(texts, key=_number_order)):
        file = f"{upload.filename}/{name}" if upload.is_zip else upload.file
        obj = upload.json if not upload.is_zip else _parse_member(texts[name], name, upload, file)
        people = _people(obj, may_hold_booleans(texts[name]), upload, file, t)
        for person in people:
            _check_sizes(person, sizes, file, t)
        frames.append(people)
    parts = [(part, sizes[part][0]) for part in _PARTS if part in sizes]
    keypoint, score = fill_grid(
        [[_join(person, parts) for person in people] for people in frames],
        bounds=bounds,
        file=upload.file,
    )
    return [
        PoseClip.build(
            keypoint,
            score,
            img_shape=upload.options.img_shape,
            layout=upload.options.layout_of(keypoint.shape[2]),
            frame_dir=frame_dir_of(upload.filename).removesuffix(".zip"),
            bounds=bounds,
            file=upload.file,
        )
    ]


def _number_order(name: str) -> list[tuple[int, int, str]]:
    """Names by the numbers in them: frame 9 before frame 10, however many zeros were written."""
    pieces = re.split(r"(\d{1,18})", name)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]


def _parse_member(text: bytes, name: str, upload: Upload, file: str | None) -> Any:
    if not name.lower().endswith(".json"):
        raise PoseError(f"the archive holds {name!a:.80}: only OpenPose's frame files, .json, are read", file=file)
    return parse_json(text, upload, file)


def _people(obj: Any, booleans: bool, upload: Upload, file: str | None, t: int) -> list[_Person]:
    people = obj.get("people") if isinstance(obj, dict) else None
    if not isinstance(people, list):
        raise PoseError('this is no OpenPose frame: it must be {"people": [...]}', field="people", file=file, frame=t)
    found = []
    for m, entry in enumerate(people):
        if not isinstance(entry, dict) or not any(part in entry for part in _PARTS):
            raise PoseError(
                f"people[{m}] has no {_PARTS[0]}: it must be an object of OpenPose's 2D parts",
                field=f"people[{m}]",
                file=file,
                frame=t,
            )
        found.append(
            {part: _part(entry[part], m, part, booleans, upload, file, t) for part in _PARTS if entry.get(part)}
        )
    return found


def _part(value: object, m: int, part: str, booleans: bool, upload: Upload, file: str | None, t: int) -> Float32:
    name = f"people[{m}].{part}"
    bounds = upload.options.bounds
    numbers = array_from_lists(value, name, bounds=bounds, booleans=booleans, file=file, frame=t)
    if numbers.ndim != 1 or numbers.size % 3:
        raise PoseError(
            f"{name} must be one list of x, y, score after x, y, score, not {list(numbers.shape)} numbers",
            field=name,
            file=file,
            frame=t,
        )
    return numbers.reshape(-1, 3)


def _check_sizes(person: _Person, sizes: dict[str, tuple[int, str | None]], file: str | None, t: int) -> None:
    """Every person's part has as many points as the first one's."""
    for part, points in person.items():
        expected, first = sizes.setdefault(part, (len(points), file))
        if len(points) != expected:
            raise PoseError(
                f"{part} has {len(points)} points here and {expected} in {first or 'an earlier person'}: "
                "a clip must come from one model",
                field=part,
                file=file,
                frame=t,
            )


def _join(person: _Person, parts: list[tuple[str, int]]) -> Found:
    points = np.concatenate([person.get(part, np.zeros((size, 3), np.float32)) for part, size in parts] or [_NOTHING])
    return Found(points[:, :2], points[:, 2])


_NOTHING = np.zeros((0, 3), np.float32)
