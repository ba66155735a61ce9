"""COCO's keypoint annotations, and COCO-WholeBody's (Jin et al., ECCV 2020): the images in a row are the frames.

https://github.com/jin-s13/COCO-WholeBody/blob/master/data_format.md
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.layouts import (
    Layout,
    canonical_names,
    get_layout,
    infer_layout,
    layout_of_names,
    limbs_of_pairs,
)
from heatsvc.pose.layouts.coco import COCO17, COCO_WHOLEBODY
from heatsvc.pose.readers.clip_builder import ClipBuilder
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.upload import Upload

# Beside the body, in the order of the layout coco_wholebody.
_MORE_PARTS = (("foot_kpts", 6), ("face_kpts", 68), ("lefthand_kpts", 21), ("righthand_kpts", 21))


def is_coco(upload: Upload) -> bool:
    """An object with `annotations` and `images`."""
    return isinstance(upload.json, dict) and {"annotations", "images"} <= upload.json.keys()


def read_coco(upload: Upload) -> list[PoseClip]:
    """One clip: frames in the order of `images`, persons in the order of `annotations`.

    The third number of a point is its score; a file in which all are 0, 1 or 2 has COCO's visibility flags, of which 1
    and 2 (hidden, visible) become score 1. The points are those that the annotations' categories name; where they name
    none, those of the layout of so many points, mostly COCO's 17; and COCO-WholeBody's other parts where an annotation
    has any.

    Raises:
        LayoutError: points without names, of which several layouts have so many.
        PoseError: parts of a wrong length, an annotation of an unknown image, images of different sizes, categories of
            different points; no img_shape, in the file or the options.
        NoKeypointsError: no annotations.
        LimitError: more than the bounds allow.
    """
    frame_of, img_shape = _images(upload)
    annotations = _objects(upload, "annotations")
    layout = _layout(upload, annotations)
    parts: tuple[tuple[str, int], ...] = (("keypoints", len(layout.points)),)
    if any(part in annotation for annotation in annotations for part, _ in _MORE_PARTS):
        if layout is not COCO17:
            raise upload.error("COCO-WholeBody's parts need COCO's 17 points of the body in keypoints", "categories")
        parts, layout = (*parts, *_MORE_PARTS), COCO_WHOLEBODY
    builder = ClipBuilder(upload, len(frame_of))
    builder.count(points=sum(size for _, size in parts), field="annotations")
    indices = _indices(annotations, frame_of, builder)
    builder.allocate()
    for i, (annotation, (m, t)) in enumerate(zip(annotations, indices, strict=True)):
        upload.options.token.raise_if_cancelled()
        start = 0
        for part, size in parts:
            points = _part(annotation, i, part, size, upload, t)
            if points is not None:
                builder.keypoint[m, t, start : start + size] = points[:, :2]
                builder.keypoint_score[m, t, start : start + size] = points[:, 2]
            start += size
    score = builder.keypoint_score
    if ((score == 0) | (score == 1) | (score == 2)).all():
        np.minimum(score, 1, out=score)
    return [builder.build(img_shape, layout)]


def _layout(upload: Upload, annotations: list[dict[str, Any]]) -> Layout:
    """What the categories of the annotations call their points; COCO's body where they name none."""
    used = {str(annotation.get("category_id")) for annotation in annotations}
    layouts = []
    for i, category in enumerate(_objects(upload, "categories") if "categories" in upload.json else ()):
        names, skeleton = category.get("keypoints"), category.get("skeleton")
        if not names or str(category.get("id")) not in used:
            continue
        field = f"categories[{i}].keypoints"
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise upload.error(f"{field} must be a list of names", field)
        upload.options.bounds.check("max_keypoints", len(names), "keypoints", field=field, file=upload.file)
        # Limbs count from 1.
        limbs = limbs_of_pairs(skeleton, first=1)
        if limbs is None:
            field = f"categories[{i}].skeleton"
            raise upload.error(f"{field} must be a list of pairs of numbers, from 1 on", field)
        layouts.append(layout_of_names(canonical_names(names), limbs))
    if len(set(layouts)) > 1:
        raise upload.error("the categories name different points: a clip must have one kind of them", "categories")
    return layouts[0] if layouts else _unnamed(upload, annotations)


def _unnamed(upload: Upload, annotations: list[dict[str, Any]]) -> Layout:
    """The layout of points without names: the options', or the one of so many points, such as Halpe's 136."""
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
            f"annotations[0].keypoints must be 51 numbers, x, y, score of COCO's 17 points, not [{len(first)}], where "
            "the categories name no points: for others name them there, or give their layout, such as halpe136",
            "annotations[0].keypoints",
        )
    return found


def _indices(
    annotations: list[dict[str, Any]], frame_of: dict[int | str, int], builder: ClipBuilder
) -> list[tuple[int, int]]:
    """Indices of person and frame of each annotation; the persons of a frame are in the order of the annotations."""
    indices = []
    persons = [0] * builder.frames
    for i, annotation in enumerate(annotations):
        if i % 1024 == 0:
            builder.upload.options.token.raise_if_cancelled()
        image = annotation.get("image_id")
        t = frame_of.get(image) if isinstance(image, int | str) else None
        if t is None:
            text = f"annotations[{i}] has an image_id that is not among the {len(frame_of)} images"
            raise builder.upload.error(text, f"annotations[{i}].image_id")
        indices.append((persons[t], t))
        persons[t] += 1
        builder.count(persons=persons[t], field=f"annotations[{i}]")
    return indices


def _objects(upload: Upload, key: str) -> list[dict[str, Any]]:
    entries = upload.json[key]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise upload.error(f"{key} must be a list of objects", key)
    return entries


def _images(upload: Upload) -> tuple[dict[int | str, int], list[int] | None]:
    """The frame of each image id, and the images' one (height, width), where they have any."""
    frame_of: dict[int | str, int] = {}
    img_shape = None
    images = _objects(upload, "images")
    upload.options.bounds.check("max_frames", len(images), "frames", field="images", file=upload.file)
    for t, image in enumerate(images):
        number = image.get("id")
        if not isinstance(number, int | str) or number in frame_of:
            raise upload.error(f"images[{t}] needs a unique id", f"images[{t}].id", t)
        frame_of[number] = t
        if "height" in image and "width" in image:
            shape = [image["height"], image["width"]]
            if img_shape not in (None, shape):
                text = f"images[{t}] has another size than those before it: the frames of a clip have one size"
                raise upload.error(text, f"images[{t}]", t)
            img_shape = shape
    return frame_of, img_shape


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
