"""Reads Kinetics-skeleton: a JSON file for each video, with OpenPose's 18 points in normalized coordinates.

``{"data": [{"frame_index": 1, "skeleton": [{"pose": [x, y, ...], "score": [score, ...]}]}], "label": "jetskiing",
"label_index": 163}``

https://github.com/yysijie/st-gcn/blob/master/OLD_README.md, and mmskeleton's pose estimation writes the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from heatsvc.pose.clip import PoseClip, check_label
from heatsvc.pose.layouts.openpose import OPENPOSE18
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.upload import Upload


def is_kinetics(upload: Upload) -> bool:
    """Whether the content is an object with `data`, a list that is empty or has objects with `skeleton`."""
    obj = upload.json
    data = obj.get("data") if isinstance(obj, dict) else None
    if not isinstance(data, list):
        return False
    return ("skeleton" in data[0]) if data and isinstance(data[0], dict) else (not data and "label_index" in obj)


def read_kinetics(upload: Upload) -> list[PoseClip]:
    """Read one clip with the file's label; frames by `frame_index`, persons by their index in each frame.

    The first frame has the `frame_index` 1. Frames that the file leaves out are frames without persons. A point at
    (0, 0) was not detected; its score is 0 in the file as well.

    Raises:
        PoseError: keys are unknown, frames are out of order, or the options do not specify img_shape.
        NoKeypointsError: no frame has persons.
        LimitError: a bound is exceeded.
    """
    frames = _frames(upload)
    builder = ClipBuilder(upload, frames[-1][0] + 1 if frames else 0)
    for t, i, skeleton in frames:
        upload.options.token.raise_if_cancelled()
        builder.count(persons=len(skeleton), field=f"data[{i}].skeleton")
        for m, person in enumerate(skeleton):
            field = f"data[{i}].skeleton[{m}]"
            if not isinstance(person, dict) or not {"pose", "score"} <= person.keys():
                raise upload.error(f"{field} must be an object with pose and score", field, t)
            if isinstance(person["score"], list):
                builder.count(points=len(person["score"]), field=f"{field}.score")
    builder.allocate()
    for t, i, skeleton in frames:
        upload.options.token.raise_if_cancelled()
        for m, person in enumerate(skeleton):
            _read_person(person, f"data[{i}].skeleton[{m}]", builder, m, t)
    layout = OPENPOSE18 if builder.points == len(OPENPOSE18.points) else None
    label = upload.json.get("label_index")
    clip = builder.build(layout=layout, are_normalized=True)
    return [replace(clip, label=check_label(label, field="label_index", file=upload.file))]


def _frames(upload: Upload) -> list[tuple[int, int, list[Any]]]:
    """Frame, index in `data`, and persons of each entry."""
    frames: list[tuple[int, int, list[Any]]] = []
    for i, entry in enumerate(upload.json["data"]):
        if not isinstance(entry, dict) or not isinstance(entry.get("skeleton"), list):
            raise upload.error(f"data[{i}] must be an object with frame_index and a list skeleton", f"data[{i}]")
        index = entry.get("frame_index", i + 1)
        field = f"data[{i}].frame_index"
        if type(index) is not int or index < 0:
            raise upload.error(f"{field} must be the number of the frame, from 1 on", field)
        frames.append((index, i, entry["skeleton"]))
        if i and index <= frames[-2][0]:
            text = f"{field} is {index} after {frames[-2][0]}: frames must be in the video's order"
            raise upload.error(text, field, i)
    # Some writers count from 0.
    first = min(1, frames[0][0]) if frames else 0
    return [(index - first, i, skeleton) for index, i, skeleton in frames]


def _read_person(person: dict[str, Any], field: str, builder: ClipBuilder, m: int, t: int) -> None:
    """Write a person's points to the clip."""
    upload = builder.upload
    for key, width in (("pose", 2), ("score", 1)):
        numbers = array_from_lists(
            person[key],
            f"{field}.{key}",
            bounds=upload.options.bounds,
            booleans=upload.booleans,
            file=upload.file,
            frame=t,
        )
        if numbers.shape != (width * builder.points,):
            what = "x, y after x, y of" if width == 2 else "scores of"
            text = f"{field}.{key} must be one list of {width * builder.points} numbers, {what} {builder.points} points"
            raise upload.error(f"{text}, not {list(numbers.shape)}", f"{field}.{key}", t)
        if width == 2:
            builder.keypoint[m, t] = numbers.reshape(-1, 2)
        else:
            builder.keypoint_score[m, t] = numbers
