"""Reads keypoint annotations of COCO and COCO-WholeBody (Jin et al., ECCV 2020); the images are the frames.

https://github.com/jin-s13/COCO-WholeBody/blob/master/data_format.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heatsvc.pose.clip import Float32, PoseClip, check_frame_dir
from heatsvc.pose.layouts import Layout, get_layout, infer_layout, limbs_of_pairs
from heatsvc.pose.layouts.coco import COCO17, COCO_WHOLEBODY
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.upload import Upload

# Parts other than the body, in the order of the layout coco_wholebody.
_MORE_PARTS = (("foot_kpts", 6), ("face_kpts", 68), ("lefthand_kpts", 21), ("righthand_kpts", 21))


def is_coco(upload: Upload) -> bool:
    """Whether the content is an object with `annotations` and `images`."""
    return isinstance(upload.json, dict) and {"annotations", "images"} <= upload.json.keys()


def read_coco(upload: Upload) -> list[PoseClip]:
    """Read one clip per video of the images, or one clip if they name no video; persons keep the annotations' order.

    Frames are in the order of `images`, or of `frame_id` if all images of a video have it. The third number of a point
    is its score; if all are 0, 1 or 2 they are COCO's visibility flags, of which 1 and 2 (hidden, visible) become score
    1. The categories name the points; if they name none, the layout is inferred from the number of points, mostly
    COCO's 17, plus the other parts of COCO-WholeBody if an annotation has any.

    Raises:
        LayoutError: the points have no names, and several layouts have their number.
        PoseError: a part has a wrong length, an image is unknown, the images of a video have different sizes, the
            categories have different points, or neither the file nor the options specify img_shape.
        NoKeypointsError: a video has no annotations.
        LimitError: a bound is exceeded.
    """
    videos = _videos(upload)
    annotations = _objects(upload, "annotations")
    layout = _layout(upload, annotations)
    parts: tuple[tuple[str, int], ...] = (("keypoints", len(layout.points)),)
    if any(part in annotation for annotation in annotations for part, _ in _MORE_PARTS):
        if layout is not COCO17:
            raise upload.error("with COCO-WholeBody's parts, keypoints must be COCO's 17 body points", "categories")
        parts, layout = (*parts, *_MORE_PARTS), COCO_WHOLEBODY
    annotations_of: list[list[tuple[int, dict[str, Any], int]]] = [[] for _ in videos]
    place_of = {image: (v, t) for v, video in enumerate(videos) for image, t in video.frame_of.items()}
    for i, annotation in enumerate(annotations):
        image = annotation.get("image_id")
        v, t = place_of.get(image, (-1, 0)) if isinstance(image, int | str) else (-1, 0)
        if v < 0:
            text = f"annotations[{i}].image_id is not the id of one of the {len(place_of)} images"
            raise upload.error(text, f"annotations[{i}].image_id")
        annotations_of[v].append((i, annotation, t))
    return [
        _clip(upload, video, found, parts, layout, name=video.name if len(videos) > 1 else None)
        for video, found in zip(videos, annotations_of, strict=True)
    ]


def _clip(
    upload: Upload,
    video: _Video,
    annotations: list[tuple[int, dict[str, Any], int]],
    parts: tuple[tuple[str, int], ...],
    layout: Layout,
    name: str | None,
) -> PoseClip:
    """The clip of a video.

    Args:
        annotations: with their indices in the file and their frames.
        name: of the clip; None for the file's.
    """
    builder = ClipBuilder(upload, len(video.frame_of))
    builder.count(points=sum(size for _, size in parts), field="annotations")
    persons = [0] * builder.frames
    for i, _, t in annotations:
        if i % 1024 == 0:
            upload.options.token.raise_if_cancelled()
        persons[t] += 1
        builder.count(persons=persons[t], field=f"annotations[{i}]")
    builder.allocate()
    persons = [0] * builder.frames
    for i, annotation, t in annotations:
        upload.options.token.raise_if_cancelled()
        start, m = 0, persons[t]
        persons[t] += 1
        for part, size in parts:
            points = _part(annotation, i, part, size, upload, t)
            if points is not None:
                builder.keypoint[m, t, start : start + size] = points[:, :2]
                builder.keypoint_score[m, t, start : start + size] = points[:, 2]
            start += size
    score = builder.keypoint_score
    if ((score == 0) | (score == 1) | (score == 2)).all():
        np.minimum(score, 1, out=score)
    clip = builder.build(video.img_shape, layout)
    return clip if name is None else replace(clip, frame_dir=name)


def _layout(upload: Upload, annotations: list[dict[str, Any]]) -> Layout:
    """The layout of the categories' point names; COCO's body if they have none."""
    used = {annotation.get("category_id") for annotation in annotations if _is_id(annotation.get("category_id"))}
    first: tuple[list[str], Layout] | None = None
    for i, category in enumerate(_objects(upload, "categories") if "categories" in upload.json else ()):
        upload.options.token.raise_if_cancelled()
        names, skeleton, number = category.get("keypoints"), category.get("skeleton"), category.get("id")
        if not names or not _is_id(number) or number not in used:
            continue
        field = f"categories[{i}].keypoints"
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise upload.error(f"{field} must be a list of names", field)
        if first is not None and first[0] == names:
            continue
        upload.options.bounds.check("max_keypoints", len(names), "keypoints", field=field, file=upload.file)
        # Limbs count from 1.
        limbs = limbs_of_pairs(skeleton, first=1)
        if limbs is None:
            field = f"categories[{i}].skeleton"
            raise upload.error(f"{field} must be a list of pairs of numbers, from 1 on", field)
        layout = upload.layout_of(names, limbs, field=field)
        if first is not None and first[1].points != layout.points:
            raise upload.error(
                "the categories have different points: a clip must have the same points in all frames", "categories"
            )
        first = first or (names, layout)
    return first[1] if first else _unnamed(upload, annotations)


def _unnamed(upload: Upload, annotations: list[dict[str, Any]]) -> Layout:
    """The layout of points without names: that of the options, or one with this number of points, as Halpe's 136."""
    first = next((annotation["keypoints"] for annotation in annotations if annotation.get("keypoints")), ())
    count = len(first) // 3 if isinstance(first, list) else 0
    named = get_layout(upload.options.layout) if upload.options.layout else None
    if named is not None and len(named.points) == count:
        return named
    if count == len(COCO17.points) or len(first) != 3 * count or not count:
        return COCO17
    found = infer_layout(count, file=upload.file)
    if found is None:
        raise upload.error(
            f"annotations[0].keypoints must be 51 numbers, x, y, score of COCO's 17 points, not [{len(first)}]: for "
            "other points, name them in the categories, or set their layout, such as halpe136",
            "annotations[0].keypoints",
        )
    return found


def _is_id(value: object) -> bool:
    return isinstance(value, int | str)


def _objects(upload: Upload, key: str) -> list[dict[str, Any]]:
    entries = upload.json[key]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise upload.error(f"{key} must be a list of objects", key)
    return entries


@dataclass(slots=True)
class _Video:
    """Images that are one clip.

    Attributes:
        name: of the video.
        frame_of: the frame of each image's id.
        img_shape: (height, width) of all images; None if they have none.
        numbers: `frame_id` of each image, in the order of `frame_of`; None if it has none.
    """

    name: str
    frame_of: dict[int | str, int]
    img_shape: list[int] | None
    numbers: list[int | None]

    def sort(self) -> None:
        """Sort the images by their numbers, if all have one."""
        known = [number for number in self.numbers if number is not None]
        if len(known) == len(self.numbers):
            images = [image for _, image in sorted(zip(known, self.frame_of, strict=True), key=lambda pair: pair[0])]
            self.frame_of = {image: t for t, image in enumerate(images)}


def _videos(upload: Upload) -> list[_Video]:
    """The images by the video that they name: `video_id`, in PoseTrack `vid_id`."""
    videos: dict[int | str | None, _Video] = {}
    seen: set[int | str] = set()
    for i, image in enumerate(_objects(upload, "images")):
        number, key = image.get("id"), image.get("video_id", image.get("vid_id"))
        if not isinstance(number, int | str) or number in seen:
            raise upload.error(f"images[{i}] needs a unique id", f"images[{i}].id", i)
        seen.add(number)
        if key is not None and not isinstance(key, int | str):
            raise upload.error(f"images[{i}].video_id must be a number or text", f"images[{i}].video_id", i)
        if key not in videos:
            name = check_frame_dir(str(key)[:100], field=f"images[{i}].video_id", file=upload.file)
            videos[key] = _Video(name, {}, None, [])
            upload.options.bounds.check("max_clips", len(videos), "videos", field="images", file=upload.file)
        video, frame_id = videos[key], image.get("frame_id")
        video.frame_of[number] = len(video.frame_of)
        video.numbers.append(frame_id if type(frame_id) is int else None)
        upload.options.bounds.check("max_frames", len(video.frame_of), "frames", field="images", file=upload.file)
        if "height" in image and "width" in image:
            shape = [image["height"], image["width"]]
            if not all(isinstance(side, int | float) for side in shape):
                raise upload.error(f"images[{i}] needs numbers for height and width", f"images[{i}].height", i)
            if video.img_shape not in (None, shape):
                text = (
                    f"images[{i}] has another size than those before it: the frames of a clip must have the same size"
                )
                raise upload.error(text, f"images[{i}]", i)
            video.img_shape = shape
    for video in videos.values():
        video.sort()
    # A file without images has no clip to be without keypoints.
    return list(videos.values()) or [_Video("", {}, None, [])]


def _part(annotation: dict[str, Any], i: int, part: str, size: int, upload: Upload, t: int) -> Float32 | None:
    """[size, 3]; None where the annotation lacks the part."""
    name = f"annotations[{i}].{part}"
    if annotation.get(part) is None:
        return None
    numbers = array_from_lists(
        annotation[part], name, bounds=upload.options.bounds, booleans=upload.booleans, file=upload.file, frame=t
    )
    if numbers.shape != (3 * size,):
        text = f"{name} must be {3 * size} numbers, x, y, score of {size} points, not {list(numbers.shape)}"
        raise upload.error(text, name, t)
    return numbers.reshape(size, 3)
