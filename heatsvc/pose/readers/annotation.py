"""Reads annotation pickles of PYSKL and MMAction2: ``{'split': ..., 'annotations': [...]}``, a list, or one clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import BYTES_PER_POINT
from heatsvc.pose.clip import PoseClip, check_frame_dir, check_label
from heatsvc.pose.compressed import select_rows
from heatsvc.pose.errors import PoseError
from heatsvc.pose.pickled_numpy import PickledArray
from heatsvc.pose.readers.upload import Upload
from heatsvc.pose.unpickle import unpickle

# Protocol 2 and up begin with PROTO and the number; 0 and 1 with an empty dict or list, or a mark for one.
_FIRST = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"}q", b"]q", b"(dp", b"(lp", b"}(", b"](")

_LARGEST = 2**53  # of whole numbers in JSON


@dataclass(frozen=True, slots=True)
class AnnotationHeader:
    """Name, label and size of an annotation's clip; only the types are validated.

    Attributes:
        frame_dir: the clip's name; "" if it has none.
        label: the class index; None if it has none.
        persons, frames, points: M, T and V of `keypoint`; None if it is not an array [M, T, V, C]. For compressed
            keypoints persons is None.
    """

    frame_dir: str
    label: int | None
    persons: int | None
    frames: int | None
    points: int | None


def is_annotation(upload: Upload) -> bool:
    """Whether the content begins like a pickle of a dict or a list."""
    return upload.data[:3].startswith(_FIRST)


def read_annotation(upload: Upload) -> list[PoseClip]:
    """Read the clips of `options.frame_dirs`, in that order; all clips if it is None.

    Raises:
        PoseError: the pickle has other contents or no annotations, a frame_dir does not exist, or an annotation's
            arrays, img_shape, total_frames or label are invalid; `field` is such as ``annotations[3].keypoint``.
        LimitError: there are more clips than max_clips, or more bytes of keypoints than max_unpacked_bytes.
    """
    bounds, file = upload.options.bounds, upload.file
    annotations = _annotations(unpickle(upload.data, bounds=bounds, file=file, token=upload.options.token), file)
    chosen = _choose(annotations, upload)
    if not chosen:
        raise PoseError("the pickle has no annotations: it must have at least one", field="annotations", file=file)
    if len(chosen) > bounds.max_clips:
        bounds.check("max_clips", len(chosen), "clips at once (choose some with frame_dir)", file=file)
    identifier = identifier_of(annotations)
    # One annotation may be in the list a million times, so the result is checked.
    size = 0
    for i in chosen:
        keypoint = annotations[i].get("keypoint")
        if isinstance(keypoint, PickledArray) and keypoint.array is not None:
            size += keypoint.array.size // max((1, *keypoint.array.shape[-1:])) * BYTES_PER_POINT
    bounds.check("max_unpacked_bytes", size, "bytes of keypoints", file=file)
    clips = []
    for i in chosen:
        upload.options.token.raise_if_cancelled()
        clips.append(_clip(annotations[i], identifier, f"annotations[{i}].", upload))
    return clips


def read_headers(upload: Upload) -> list[AnnotationHeader]:
    """Read only names and sizes of all clips of a pickle, which can be many.

    Raises:
        PoseError: the pickle has other contents.
        LimitError: there are more objects than max_pickle_objects.
    """
    bounds, file, token = upload.options.bounds, upload.file, upload.options.token
    annotations = _annotations(unpickle(upload.data, bounds=bounds, file=file, token=token), file)
    return [_header(annotation) for annotation in annotations]


def _header(annotation: Mapping[str | int, Any]) -> AnnotationHeader:
    name, label = annotation.get("frame_dir", annotation.get("filename")), annotation.get("label")
    keypoint, total_frames = annotation.get("keypoint"), annotation.get("total_frames")
    persons = frames = points = None
    if isinstance(keypoint, PickledArray) and keypoint.array is not None:
        if keypoint.array.ndim == 4:
            persons, frames, points = keypoint.array.shape[:3]
        elif keypoint.array.ndim == 3:
            points = keypoint.array.shape[1]
            frames = total_frames if type(total_frames) is int and 0 <= total_frames <= _LARGEST else None
    return AnnotationHeader(
        frame_dir=name if isinstance(name, str) and _is_name(name) else "",
        label=label if type(label) is int and abs(label) <= _LARGEST else None,
        persons=persons,
        frames=frames,
        points=points,
    )


def _is_name(name: str) -> bool:
    try:
        return bool(check_frame_dir(name, field="frame_dir"))
    except PoseError:
        return False


def list_of_annotations(content: object, file: str | None) -> list[Any]:
    """The list of annotations in the content of a pickle; its items are not checked.

    Raises:
        PoseError: neither the dict of splits and annotations, nor a list, nor the dict of one annotation.
    """
    if isinstance(content, dict):
        content = content.get("annotations") if "annotations" in content or "keypoint" not in content else [content]
    if not isinstance(content, list):
        raise PoseError(
            "the pickle is not an annotation file: it must be {'split': ..., 'annotations': [...]}, only the list, "
            "or the dict of one clip",
            field="annotations",
            file=file,
        )
    return content


def _annotations(content: object, file: str | None) -> list[dict[str | int, Any]]:
    annotations = list_of_annotations(content, file)
    for i, annotation in enumerate(annotations):
        if not isinstance(annotation, dict):
            text = f"annotations[{i}] must be a dict with keypoint, img_shape and frame_dir"
            raise PoseError(text, field=f"annotations[{i}]", file=file)
    return annotations


def _choose(annotations: list[dict[str | int, Any]], upload: Upload) -> list[int]:
    """Indices of the annotations to read."""
    if upload.options.frame_dirs is None:
        return list(range(len(annotations)))
    position: dict[str, int] = {}
    for i, annotation in enumerate(annotations):
        for name in (annotation.get("frame_dir"), annotation.get("filename")):
            if isinstance(name, str):
                position.setdefault(name, i)
    unknown = [name for name in upload.options.frame_dirs if name not in position]
    if unknown:
        known = ", ".join(f"{name!r:.60}" for name in list(position)[:3])
        text = f"the file has no frame_dir {unknown[0]!r:.100}; it has {len(position):,}, such as {known or 'none'}"
        raise upload.error(text, "frame_dir")
    return [position[name] for name in upload.options.frame_dirs]


def _clip(annotation: dict[str | int, Any], identifier: str, field: str, upload: Upload) -> PoseClip:
    file, options = upload.file, upload.options
    annotation = with_arrays(annotation)
    keypoint = numeric_array(annotation.get("keypoint"), f"{field}keypoint", file)
    if keypoint is None:
        raise upload.error(f"{field}keypoint is missing", f"{field}keypoint")
    keypoint, frame_inds = select_rows(annotation, keypoint, field=field, file=file)
    name = annotation.get(identifier)
    return PoseClip.build(
        keypoint,
        numeric_array(annotation.get("keypoint_score"), f"{field}keypoint_score", file),
        img_shape=_img_shape(annotation.get("img_shape"), f"{field}img_shape", file) or options.img_shape,
        layout=options.layout,
        frame_dir="" if name is None else check_frame_dir(name, field=f"{field}{identifier}", file=file),
        label=check_label(annotation.get("label"), field=f"{field}label", file=file),
        bounds=options.bounds,
        file=file,
        field=field,
        interpretation=options.interpretation,
        total_frames=annotation.get("total_frames"),
        frame_inds=frame_inds,
    )


def numeric_array(value: object, name: str, file: str | None) -> npt.NDArray[Any] | None:
    """An array of an annotation; None where the value is None.

    Raises:
        PoseError: not a NumPy array.
    """
    if value is None:
        return None
    if not isinstance(value, np.ndarray):
        raise PoseError(f"{name} must be a NumPy array of numbers, not {type(value).__name__}", field=name, file=file)
    return value


def with_arrays(annotation: Mapping[Any, Any]) -> dict[Any, Any]:
    """An annotation in which arrays of the unpickler are replaced by NumPy arrays."""
    return {
        key: value.array if type(value) is PickledArray and value.array is not None else value
        for key, value in annotation.items()
    }


def names_of(value: object) -> list[str] | None:
    """The names of a split: a list, tuple, set or array of text, as PYSKL's `set(...)` takes them; None of others."""
    if isinstance(value, PickledArray):
        is_text = value.array is not None and value.array.ndim == 1 and value.array.dtype.kind == "U"
        value = value.array.tolist() if is_text and value.array is not None else value.objects
    if not isinstance(value, list | tuple | set) or not all(type(name) is str for name in value):
        return None
    return list(value)


def identifier_of(annotations: Sequence[Any]) -> str:
    """The key by which splits name clips: `filename` if the first annotation has one, as in PYSKL, else `frame_dir`."""
    first = annotations[0] if annotations else None
    return "filename" if isinstance(first, dict) and "filename" in first else "frame_dir"


def _img_shape(value: object, name: str, file: str | None) -> list[int] | None:
    """(height, width). Other values are not shown in the message: a container may contain itself."""
    if value is None:
        return None
    if isinstance(value, np.ndarray) and value.shape == (2,):
        value = value.tolist()
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(type(side) is int for side in value):
        raise PoseError(f"{name} must be two whole numbers, (height, width)", field=name, file=file)
    return list(value)
