"""Clips in the forms that a program has them in: PoseClip, arrays by name, one array, a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.library.reading import read
from heatsvc.pose import PoseClip, PoseError, get_layout
from heatsvc.pose.clip import check_frame_dir, check_label
from heatsvc.pose.readers.lists import array_from_lists

ClipLike = PoseClip | Mapping[str, Any] | npt.NDArray[Any] | str | os.PathLike[str]
"""What `heatsvc.draw` takes for one clip."""

_KEYS = ("keypoint", "keypoint_score", "img_shape", "layout", "frame_dir", "label")
# What annotations of PYSKL have besides.
_MORE_KEYS = ("original_shape", "total_frames", "num_person_raw")


def is_one(clips: object) -> bool:
    """Whether it stands for one clip and not for several."""
    return isinstance(clips, PoseClip | Mapping | np.ndarray | str | os.PathLike)


def as_clip(
    clip: ClipLike, *, img_shape: Sequence[int] | None, layout: str | None, bounds: Bounds, field: str
) -> PoseClip:
    """One clip as a PoseClip.

    Args:
        clip: a PoseClip as it is; a mapping ``{keypoint, keypoint_score?, img_shape, layout?, frame_dir?, label?}`` of
            arrays or lists, such as an annotation of PYSKL's; an array [M, T, V, 2|3], [T, V, 2|3] or [V, 2|3]; or the
            path of a file that holds one clip.
        img_shape, layout: for what the clip does not say itself.
        bounds: how large it may be.
        field: where it stands among several, as a prefix for messages: ``clips[3].``.

    Raises:
        OSError: the file cannot be opened.
        InputError: it cannot be used.
    """
    match clip:
        case PoseClip():
            return clip
        case str() | os.PathLike():
            return _only(read(clip, img_shape=img_shape, layout=layout, bounds=bounds), clip)
        case np.ndarray():
            return _from_mapping({"keypoint": clip}, img_shape, layout, bounds, field)
        case Mapping():
            return _from_mapping(clip, img_shape, layout, bounds, field)
    where = field.rstrip(".") or "a clip"
    raise TypeError(f"{where} must be a PoseClip, a mapping with keypoint, an array or a path, not {type(clip)}")


def _only(clips: list[PoseClip], path: str | os.PathLike[str]) -> PoseClip:
    if len(clips) != 1:
        raise PoseError(
            f"the file holds {len(clips):,} clips: draw(read(path)) draws them all, "
            "read(path, frame_dir=...) chooses some",
            file=os.path.basename(path),
        )
    return clips[0]


def _from_mapping(
    clip: Mapping[str, Any], img_shape: Sequence[int] | None, layout: str | None, bounds: Bounds, field: str
) -> PoseClip:
    strange = [str(key) for key in clip if key not in (*_KEYS, *_MORE_KEYS)]
    if strange:
        raise PoseError(
            f"a clip has no {strange[0]!r:.60}: it has {', '.join(_KEYS)}", field=f"{field}{strange[0]:.60}"
        )
    keypoint = _numbers(clip.get("keypoint"), f"{field}keypoint", bounds)
    if keypoint is None:
        raise PoseError(
            f"{field}keypoint is missing: give an array [T, V, 2] or [M, T, V, 2], in pixels", field=f"{field}keypoint"
        )
    own_shape, own_layout, name = clip.get("img_shape"), clip.get("layout"), clip.get("frame_dir")
    named = layout if own_layout is None else own_layout
    return PoseClip.build(
        keypoint,
        _numbers(clip.get("keypoint_score"), f"{field}keypoint_score", bounds),
        img_shape=img_shape if own_shape is None else own_shape,
        layout=get_layout(named, keypoint.shape[-2] if keypoint.ndim > 1 else None) if named else None,
        frame_dir="" if name is None else check_frame_dir(name, field=f"{field}frame_dir"),
        label=check_label(clip.get("label"), field=f"{field}label"),
        bounds=bounds,
        field=field,
    )


def _numbers(value: Any, name: str, bounds: Bounds) -> npt.NDArray[Any] | None:
    """NumPy's arrays, and those of other libraries, as they are; lists as a request's, `None` in them for NaN."""
    if value is None:
        return None
    if hasattr(value, "__array__"):
        return np.asarray(value)
    return array_from_lists(value, name, bounds=bounds, booleans=True)
