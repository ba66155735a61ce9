"""Reads MMPose's predictions, as written by the inferencer's `pred_out_dir` and the demos' `--save-predictions`.

Of a video ``[{"frame_id": 0, "instances": [...]}, ...]``, of an image ``[instance, ...]``, either of them also inside
``{"meta_info": ..., "instance_info": ...}``; an instance is ``{"keypoints": [[x, y], ...], "keypoint_scores": [...]}``.
https://mmpose.readthedocs.io/en/latest/user_guides/inference.html
"""

from __future__ import annotations

from functools import partial
from typing import Any

from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.layouts import Layout, limbs_of_pairs
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.upload import Upload


def is_mmpose(upload: Upload) -> bool:
    """Whether the content is a list of frames or instances, or an object with `instance_info`."""
    obj = upload.json
    if isinstance(obj, dict):
        return "instance_info" in obj
    if not isinstance(obj, list):
        return False
    if not obj:
        return True
    first = obj[0] if isinstance(obj[0], dict) else {}
    # A list with image ids is one of COCO's results, and keypoints in an object are Ultralytics'.
    has_keypoints = "keypoints" in first and not isinstance(first["keypoints"], dict)
    return "instances" in first or (has_keypoints and "image_id" not in first)


def is_mmpose_frame(upload: Upload) -> bool:
    """Whether predictions are those of an image: a list of instances, not of frames."""
    obj = upload.json
    instances = obj["instance_info"] if isinstance(obj, dict) else obj
    return isinstance(instances, list) and not any(
        "instances" in entry for entry in instances if isinstance(entry, dict)
    )


def read_mmpose(upload: Upload) -> list[PoseClip]:
    """Read one clip from a video, an image, or several files of one image each.

    Persons are identified by their index in each frame's instances; missing ones are 0 with score 0.

    Raises:
        PoseError: keys are unknown, keypoints are 3D, numbers of points differ, frames are out of order, or the options
            do not specify img_shape.
        NoKeypointsError: no frame has instances.
        LimitError: a bound is exceeded.
    """
    frames = _frames(upload)
    builder = _count(frames, upload)
    builder.allocate()
    for t, (field, instances) in enumerate(frames):
        for m, instance in enumerate(instances):
            upload.options.token.raise_if_cancelled()
            points, score = _points(instance, f"{field}[{m}]", upload, t)
            builder.keypoint[m, t], builder.keypoint_score[m, t] = points, score
    return [builder.build(layout=_layout(upload, builder.points))]


def _layout(upload: Upload, points: int) -> Layout | None:
    """The layout of the point names in `meta_info`; None without it.

    Raises:
        PoseError: names or links are invalid, or belong to another number of points.
    """
    meta = upload.json.get("meta_info") if isinstance(upload.json, dict) else None
    names = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or names is None:
        return None
    field = "meta_info.keypoint_id2name"
    given = [names.get(str(i)) for i in range(points)] if isinstance(names, dict) else []
    ordered = [name for name in given if isinstance(name, str)]
    if len(ordered) != points or len(names) != points:
        raise upload.error(f"{field} must have a name for each of the {points} points, from 0 on", field)
    limbs = limbs_of_pairs(meta.get("skeleton_links"))
    if limbs is None:
        links = "meta_info.skeleton_links"
        raise upload.error(f"{links} must be a list of pairs of points", links)
    return upload.layout_of(ordered, limbs, field=field)


def _count(frames: list[tuple[str, list[Any]]], upload: Upload) -> ClipBuilder:
    """The clip's size by the lengths of lists; their items are checked later."""
    builder = ClipBuilder(upload, len(frames))
    first = None
    for t, (field, instances) in enumerate(frames):
        upload.options.token.raise_if_cancelled()
        builder.count(persons=len(instances), field=field)
        for instance in instances:
            lists = instance.get("keypoints") if isinstance(instance, dict) else None
            if not isinstance(lists, list):
                continue
            builder.count(points=len(lists), field="keypoints")
            first = first or len(lists)
            if len(lists) not in (0, first):
                text = f"an instance of frame {t} has {len(lists)} keypoints, but others have {first}"
                raise upload.error(f"{text}: a clip must come from one model", "keypoints", t)
    return builder


def _frames(upload: Upload) -> list[tuple[str, list[Any]]]:
    """For each frame the path of its instances, and the instances."""
    if upload.frames:
        frames = []
        for file, content in upload.parse_frames():
            instances = content.get("instance_info") if isinstance(content, dict) else content or []
            name = file.name.rpartition("/")[2]
            if not isinstance(instances, list):
                raise upload.error(f"{name} must be a list of instances", name)
            frames.append((name, instances))
        return frames
    obj, name = upload.json, ""
    if isinstance(obj, dict):
        obj, name = obj["instance_info"], "instance_info"
    if not isinstance(obj, list):
        raise upload.error("instance_info must be a list of frames or instances", name)
    if not any(isinstance(entry, dict) and "instances" in entry for entry in obj):
        return [(name, obj)]
    upload.options.bounds.check("max_frames", len(obj), "frames", field=name or None, file=upload.file)
    frames, last = [], None
    for t, entry in enumerate(obj):
        field = f"{name}[{t}].instances"
        instances = entry.get("instances") if isinstance(entry, dict) else None
        if not isinstance(instances, list):
            raise upload.error(f"{field} must be a list of instances", field, t)
        frame_id = entry.get("frame_id")
        if isinstance(frame_id, int) and last is not None and frame_id <= last:
            text = f"{name}[{t}] has frame_id {frame_id} after {last}: frames must be in the video's order"
            raise upload.error(text, f"{name}[{t}].frame_id", t)
        last = frame_id if isinstance(frame_id, int) else last
        frames.append((field, instances))
    return frames


def _points(instance: object, field: str, upload: Upload, t: int) -> tuple[Float32, Float32]:
    """An instance's keypoints [V, 2] and scores [V]."""
    if not isinstance(instance, dict) or not {"keypoints", "keypoint_scores"} <= instance.keys():
        raise upload.error(f"{field} must be an instance with keypoints and keypoint_scores", field, t)
    bounds = upload.options.bounds
    booleans = upload.booleans or bool(upload.frames)
    as_array = partial(array_from_lists, bounds=bounds, booleans=booleans, file=upload.file, frame=t)
    name = f"{field}.keypoints"
    keypoint = as_array(instance["keypoints"], name)
    if keypoint.ndim == 2 and keypoint.shape[1] == 3 and upload.options.interpretation.project == "xy":
        keypoint = keypoint[:, :2]
    if keypoint.ndim != 2 or keypoint.shape[1] != 2:
        hint = "; set `project: xy` to drop the depth" if keypoint.ndim == 2 and keypoint.shape[1] == 3 else ""
        raise upload.error(f"{name} must be a list of [x, y] in pixels, not {list(keypoint.shape)}{hint}", name, t)
    name = f"{field}.keypoint_scores"
    score = as_array(instance["keypoint_scores"], name)
    if score.shape != keypoint.shape[:1]:
        text = f"{name} must be {len(keypoint)} numbers, one per keypoint, not {list(score.shape)}"
        raise upload.error(text, name, t)
    return keypoint, score
