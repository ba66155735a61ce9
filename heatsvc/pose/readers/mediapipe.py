"""Reads MediaPipe's landmarks in JSON, in the common formats of its results; coordinates are normalized.

A frame is an object of parts, ``{"pose_landmarks": ..., "left_hand_landmarks": ...}``, also as its JavaScript API calls
them (``poseLandmarks``) or in short (``pose``, ``left_hand``); or the landmarks alone. Landmarks are objects
``{"x": ..., "y": ..., "z": ..., "visibility": ...}``, lists ``[x, y, z, visibility]``, or an object by their names;
results of its tasks API have a list of them for each person. A video is a list of frames, itself or under a key such
as ``frames``, an object of frames by their numbers, or an object of parts with a list over all frames each.

https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from heatsvc.pose.archives.frames import frames_of_numbers
from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import NoKeypointsError
from heatsvc.pose.layouts import canonical_names, layout_of_names
from heatsvc.pose.layouts.layout import hand
from heatsvc.pose.layouts.mediapipe import HAND21, POSE_33, face_mesh
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.upload import Upload

_PARTS = {
    "pose": ("pose", "body"),
    "face": ("face", "face_mesh", "multi_face"),
    "left_hand": ("left_hand", "lefthand", "hand_left"),
    "right_hand": ("right_hand", "righthand", "hand_right"),
    "hand": ("hand", "hands", "multi_hand"),
    # Parts by their number of landmarks.
    "": ("", "landmarks", "keypoints"),
}
_PART_OF = {alias: part for part, aliases in _PARTS.items() for alias in aliases}
_SIZES = {"pose": (33,), "face": (468, 478), "left_hand": (21,), "right_hand": (21,), "hand": (21,)}
_PART_OF_SIZE = {33: "pose", 468: "face", 478: "face", 21: "hand"}
_HANDEDNESS = ("handedness", "handednesses", "multi_handedness")
_FRAMES = ("frames", "results", "data", "keypoints", "landmarks", "poses", "sequence")
_NUMBERS = ("frame", "frame_id", "frame_index", "frame_idx", "frame_number", "frame_num", "frameIndex", "frameNumber")
_FRAME_KEY = re.compile(r"(?:frame)?[_ ]?(\d{1,9})")
_MAX_LEVELS = 3
_MAX_KEYS = 100
_MAX_KEY_LENGTH = 40
# x, y, z, visibility, presence.
_MAX_WIDTH = 5

_Landmarks = list[Any]
_Groups = dict[str, list[_Landmarks]]


class _Frame(NamedTuple):
    """A frame's field, its number if it has one, and the landmarks of each person's parts."""

    field: str
    number: int | None
    parts: _Groups


def is_mediapipe(upload: Upload) -> bool:
    """Whether the content is JSON in which at least one frame has a part of MediaPipe."""
    if not isinstance(upload.json, dict | list) or not upload.json:
        return False
    for frame in islice(_frames(upload.json), upload.options.bounds.max_frames):
        if frame.parts:
            return True
        upload.options.token.raise_if_cancelled()
    return False


def is_mediapipe_frame(upload: Upload) -> bool:
    """Whether it is one frame."""
    return sum(1 for _ in islice(_frames(upload.json), 2)) == 1


def read_mediapipe(upload: Upload) -> list[PoseClip]:
    """Read one clip from a file, or from files of one frame each. The layout has all parts of the files.

    The pose alone is `mediapipe_pose33`; with hands, with hands and face it is `mediapipe_holistic_75`,
    `mediapipe_holistic` or, with irises, `mediapipe_holistic_iris`; hands without a side are persons of `hand21`. World
    landmarks are left out. The score of a landmark of the pose is its visibility; the others have none, theirs is 1. A
    part that was not detected is 0 with score 0.

    Raises:
        PoseError: a part has a wrong number of landmarks, there are other parts and hands without a side, frames are
            out of order, or the options do not specify img_shape.
        NoKeypointsError: nothing was detected.
        LimitError: more than the bounds allow.
    """
    frames = []
    for file, content in upload.parse_frames():
        frames.append(_frame_of_file({} if content is None else content, file.name, upload))
    for frame in _frames(upload.json) if not upload.frames else ():
        upload.options.token.raise_if_cancelled()
        frames.append(frame)
        upload.options.bounds.check("max_frames", len(frames), "frames", file=upload.file)
    points = _points(_sizes(frames, upload), upload)
    names = tuple(name for part in points.values() for name in part)
    times = _times(frames, upload)
    builder = ClipBuilder(upload, times[-1] + 1)
    for frame in frames:
        builder.count(persons=max(map(len, frame.parts.values()), default=0), points=len(names), field=frame.field)
    builder.allocate()
    first = {part: names.index(part_names[0]) for part, part_names in points.items()}
    for t, frame in zip(times, frames, strict=True):
        upload.options.token.raise_if_cancelled()
        for part, persons in frame.parts.items():
            for m, landmarks in enumerate(persons):
                if landmarks:
                    field = f"{frame.field}.{part}[{m}]".lstrip(".")
                    columns = slice(first[part], first[part] + len(points[part]))
                    found = _array(
                        landmarks, len(points[part]), has_visibility=part == "pose", field=field, t=t, upload=upload
                    )
                    builder.keypoint[m, t, columns], builder.keypoint_score[m, t, columns] = found
    return [builder.build(_img_shape(upload.json), layout_of_names(names), are_normalized=True)]


def _frame_of_file(content: Any, name: str, upload: Upload) -> _Frame:
    """The frame of a file that has one; without parts where nothing was detected."""
    base = name.rpartition("/")[2]
    inside = list(islice(_frames(content, base), 2)) if isinstance(content, dict | list) and content else []
    if len(inside) > 1:
        raise upload.error(
            f"{base} has several frames, but other files have one: send videos and frames separately", base
        )
    is_empty = not content or _number(content) is not None or (isinstance(content, dict) and "timestamp" in content)
    if not is_empty and not (inside and inside[0].parts):
        raise upload.error(f"{base} has no landmarks of MediaPipe, but other files have: remove it", base)
    return inside[0]._replace(number=None) if inside else _Frame(base, None, {})


def _frames(obj: Any, field: str = "", level: int = 0) -> Iterator[_Frame]:
    """The frames of a file, or of an object in it."""
    if isinstance(obj, list):
        if _is_landmark(next(filter(None, obj), None)):
            yield _Frame(field, None, _parts(obj))
            return
        for i, frame in enumerate(obj):
            yield _Frame(f"{field}[{i}]", _number(frame), _parts(frame))
        return
    # Larger objects may be of frames by their numbers, and not of parts.
    keys = tuple(obj) if len(obj) <= _MAX_KEYS else ()
    if any("world" in key.lower() or _snake(key) in _HANDEDNESS for key in keys):
        yield _Frame(field, None, _parts(obj))
        return
    if any(_part_of(key) for key in keys):
        yield from _frames_of_parts(obj, field)
        return
    prefix = f"{field}." if field else ""
    for key in _FRAMES:
        if isinstance(obj.get(key), dict | list) and obj[key] and level < _MAX_LEVELS:
            yield from _frames(obj[key], f"{prefix}{key}", level + 1)
            return
    if all(_FRAME_KEY.fullmatch(key) for key in obj):
        for number, key in sorted((int(key.lstrip("frame_ ")), key) for key in obj):
            yield _Frame(f"{prefix}{key}", number, _parts(obj[key]))
        return
    yield _Frame(field, None, _parts(obj))


def _frames_of_parts(obj: dict[str, Any], field: str) -> Iterator[_Frame]:
    """The one frame of an object of parts; or all, where each part is a list over frames.

    A list of persons has the same form, but results of the tasks API also have handedness or world landmarks.
    """
    parts = {
        key: value for key, value in obj.items() if _part_of(key) is not None and isinstance(value, list) and value
    }
    lengths = {len(value) for value in parts.values() if all(item is None or _is_group(item) for item in value)}
    if not lengths or max(lengths) == 1 or len(lengths) > 1:
        yield _Frame(field, None, _parts(obj))
        return
    [count] = lengths
    for t in range(count):
        frame = {key: value[t] for key, value in parts.items() if len(value) == count}
        yield _Frame(f"{field}[{t}]", None, _parts(frame))


def _parts(frame: Any, level: int = 0) -> _Groups:
    """The landmarks of each part, for each person; empty if the part was not detected."""
    found: _Groups = {}
    if isinstance(frame, list):
        for landmarks in _groups(frame):
            if part := _PART_OF_SIZE.get(len(landmarks)) if _is_landmark(landmarks[0]) else None:
                found.setdefault(part, []).append(landmarks)
        return found
    if not isinstance(frame, dict) or len(frame) > _MAX_KEYS:
        return found
    has_sides = bool(_sides(frame))
    for key, value in frame.items():
        part = _part_of(key) if isinstance(value, dict | list | None) else None
        if part == "hand" or (part == "" and has_sides):
            for side, landmarks in _hands(frame, _groups(value)):
                found.setdefault(side, []).append(landmarks)
        elif part == "":
            for name, landmarks in _parts(value if isinstance(value, list) else _groups(value), _MAX_LEVELS).items():
                found.setdefault(name, []).extend(landmarks)
        elif part:
            found.setdefault(part, []).extend(_groups(value) or [[]])
    if not found and level < _MAX_LEVELS:
        for value in frame.values():
            if isinstance(value, dict) and (found := _parts(value, level + 1)):
                break
    return found


def _part_of(key: str) -> str | None:
    """``pose`` for ``pose_landmarks`` and ``poseLandmarks``, "" for ``landmarks``; None for other keys."""
    return _part_of_short(key) if len(key) <= _MAX_KEY_LENGTH else None


@lru_cache(maxsize=1024)
def _part_of_short(key: str) -> str | None:
    name = re.sub(r"_?(landmarks?|landmark_list|keypoints|points)\Z", "", _snake(key))
    return None if "world" in name else _PART_OF.get(name)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()


def _groups(value: Any) -> list[_Landmarks]:
    """The landmarks of each person in a part's value: of one, or of a list of them."""
    value = _unwrapped(value)
    if not isinstance(value, list):
        return []
    some = next((item for item in value if item is not None), None)
    if _is_landmark(some) or isinstance(some, int | float):
        return [value]
    if isinstance(some, list) and some and isinstance(some[0], int | float | None):
        return [value]
    return [landmarks for item in value if isinstance(landmarks := _unwrapped(item), list) and landmarks]


def _is_group(item: Any) -> bool:
    """Whether it is one person's landmarks, or an empty list of them."""
    inner = _unwrapped(item)
    if not isinstance(inner, list):
        return False
    is_flat = len(inner) > _MAX_WIDTH and isinstance(inner[0], int | float)
    return not inner or is_flat or _is_landmark(inner[0]) or isinstance(inner[0], list)


def _unwrapped(value: Any) -> Any:
    """The list in ``{"landmark": [...]}``, as in protobuf, or in an object by names; other values are unchanged."""
    if not isinstance(value, dict):
        return value
    for key in ("landmark", "landmarks"):
        if isinstance(value.get(key), list):
            return value[key]
    if len(value) in _PART_OF_SIZE and all(isinstance(landmark, dict) for landmark in value.values()):
        by_name = dict(zip(canonical_names([key[:40] for key in value]), value.values(), strict=True))
        for names in (POSE_33, HAND21.points):
            if set(names) == by_name.keys():
                return [by_name[name] for name in names]
    return value


def _is_landmark(value: Any) -> bool:
    return isinstance(value, dict) and "x" in value and "y" in value


def _hands(frame: dict[str, Any], groups: list[_Landmarks]) -> Iterator[tuple[str, _Landmarks]]:
    """Hands with their sides, where the frame has as many."""
    sides = _sides(frame)
    for i, landmarks in enumerate(groups):
        yield (sides[i] if len(sides) == len(groups) else "hand"), landmarks
    if not groups:
        yield "hand", []


def _sides(frame: dict[str, Any]) -> list[str]:
    """The part of each hand, from ``[[{"category_name": "Left"}]]`` or ``[{"label": "Left"}]`` in the same object."""
    sides: list[str] = []
    keys = (key for key in frame if len(key) <= _MAX_KEY_LENGTH and "hand" in key.lower())
    entries = next((frame[key] for key in keys if _snake(key) in _HANDEDNESS), None)
    for entry in entries if isinstance(entries, list) else ():
        first = entry[0] if isinstance(entry, list) and entry else entry
        if isinstance(first, dict) and isinstance(first.get("classification"), list) and first["classification"]:
            first = first["classification"][0]
        if isinstance(first, dict):
            first = next((first[key] for key in ("category_name", "categoryName", "label") if first.get(key)), None)
        sides.append(f"{first.lower()}_hand" if first in ("Left", "Right", "left", "right") else "hand")
    return sides


def _sizes(frames: list[_Frame], upload: Upload) -> dict[str, int]:
    """The number of landmarks of each part; of one that was never detected the usual number."""
    sizes: dict[str, int] = {}
    declared: set[str] = set()
    for frame in frames:
        upload.options.token.raise_if_cancelled()
        for part, persons in frame.parts.items():
            declared.add(part)
            for m, landmarks in enumerate(persons):
                if not landmarks:
                    continue
                size = _size(landmarks, part)
                if size not in _SIZES[part] or sizes.setdefault(part, size) != size:
                    numbers = str(sizes.get(part) or " or ".join(map(str, _SIZES[part])))
                    field = f"{frame.field}.{part}[{m}]".lstrip(".")
                    raise upload.error(f"{field} has {size} landmarks: MediaPipe's {part} has {numbers}", field)
    if not sizes:
        raise NoKeypointsError("no landmarks were detected in any frame", file=upload.file)
    return {part: sizes.get(part, _SIZES[part][0]) for part in declared if part != "hand" or part in sizes}


def _size(landmarks: _Landmarks, part: str) -> int:
    """How many landmarks a list has, which may be their numbers in a row."""
    if not isinstance(landmarks[0], int | float):
        return len(landmarks)
    fitting = (size for size in _SIZES[part] for width in range(2, _MAX_WIDTH + 1) if len(landmarks) == size * width)
    return next(fitting, 0)


def _points(sizes: dict[str, int], upload: Upload) -> dict[str, tuple[str, ...]]:
    """The names of each part's points, in the order of MediaPipe Holistic."""
    if set(sizes) == {"hand"}:
        return {"hand": HAND21.points}
    if "hand" in sizes:
        text = "has other parts and hands without a side: call them left_hand and right_hand, or add handedness"
        raise upload.error(f"the file {text}", "hand")
    both = "pose" in sizes and not sizes.keys().isdisjoint(("left_hand", "right_hand"))
    names = {
        "pose": POSE_33 if "pose" in sizes else (),
        "face": face_mesh(sizes.get("face", 0)),
        "left_hand": hand("left") if both or "left_hand" in sizes else (),
        "right_hand": hand("right") if both or "right_hand" in sizes else (),
    }
    return {part: points for part, points in names.items() if points}


def _times(frames: list[_Frame], upload: Upload) -> list[int]:
    """The frame index of each frame, from their numbers if they have any."""
    numbers = [frame.number for frame in frames if frame.number is not None]
    if len(numbers) < len(frames):
        return list(range(len(frames)))
    for t, (before, after) in enumerate(pairwise(numbers), 1):
        if after <= before:
            field = frames[t].field
            text = f"{field} is frame {after} after {before}: frames must be in the video's order"
            raise upload.error(text, field, t)
    return list(frames_of_numbers(numbers))


def _number(frame: Any) -> int | None:
    """The number that a frame says it has."""
    values = (frame.get(key) for key in _NUMBERS) if isinstance(frame, dict) else ()
    return next((value for value in values if type(value) is int and 0 <= value < 1 << 53), None)


def _img_shape(obj: Any) -> list[int] | None:
    """The frame's (height, width), where an object around the frames has them."""
    if not isinstance(obj, dict):
        return None
    sides = [obj.get(side) for side in ("height", "width")]
    return [side for side in sides if type(side) is int] if all(type(side) is int for side in sides) else None


def _array(
    landmarks: _Landmarks, size: int, *, has_visibility: bool, field: str, t: int, upload: Upload
) -> tuple[Float32, Float32]:
    """Points [V, 2] and scores [V]: the visibility of each landmark, 1 without one."""
    rows: Any = landmarks
    if isinstance(landmarks[0], dict):
        for i, landmark in enumerate(landmarks):
            if not _is_landmark(landmark):
                raise upload.error(f"{field}[{i}] must be an object with x and y", f"{field}[{i}]", t)
        rows = [[landmark["x"], landmark["y"], None, landmark.get("visibility")] for landmark in landmarks]
    numbers = array_from_lists(
        rows,
        field,
        bounds=upload.options.bounds,
        booleans=upload.booleans or bool(upload.frames),
        file=upload.file,
        frame=t,
    )
    if numbers.ndim == 1 and numbers.size:
        numbers = numbers.reshape(size, -1)
    if numbers.ndim != 2 or numbers.shape[1] < 2:
        text = f"{field} must be landmarks, objects with x and y or lists [x, y, z, visibility]"
        raise upload.error(f"{text}, not {list(numbers.shape)} numbers", field, t)
    score = np.ones(size, np.float32)
    if has_visibility and numbers.shape[1] > 3:
        score = np.where(np.isnan(numbers[:, 3]), score, numbers[:, 3])
    # Zeros stand for a part that was not detected.
    return numbers[:, :2], np.where((numbers[:, :2] == 0).all(axis=1), np.float32(0), score)
