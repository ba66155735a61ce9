"""A request's JSON clip: ``{keypoint, keypoint_score?, img_shape, layout?, frame_dir?, label?}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.clip import PoseClip, PoseError
from heatsvc.pose.layouts import get_layout
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.names import check_frame_dir, check_label


def clip_from_json(
    obj: Mapping[str, Any],
    *,
    field: str = "",
    bounds: Bounds = DEFAULT_BOUNDS,
    may_hold_booleans: bool = True,
    is_finite: bool = False,
    file: str | None = None,
    img_shape: Sequence[int] | None = None,
    layout: str | None = None,
    frame_dir: str = "",
    token: CancelToken = NEVER_CANCELLED,
) -> PoseClip:
    """A clip as it stands in parsed JSON; other keys of `obj` are left alone.

    Args:
        obj: `keypoint` lists [M, T, V, 2|3], [T, V, 2|3] or [V, 2|3]; `keypoint_score` lists of that shape without
            its last axis; a `null` in either is 'not detected'. Or arrays, where `lift` has made them already.
        field: where the object stands in the request, as a prefix: ``clips[3].``.
        bounds: max_input_values, and what `PoseClip.build` holds.
        may_hold_booleans: False where the JSON text is known to have none (`lists.may_hold_booleans`): the lists
            then become arrays without a look at each number's type.
        is_finite: True where the keypoints are arrays of numbers that are known to be.
        file, img_shape, layout, frame_dir: for what the object does not say itself.
        token: asked now and then in long lists.

    Raises:
        PoseError: a key is missing or holds what it must not; lists are told by index, ``keypoint[0][3][5][1]``.
        LayoutError: there is no layout of that name.
        LimitError: the clip is larger than `bounds` allow.
    """
    if type(obj) is not dict and not isinstance(obj, Mapping):
        name = field.rstrip(".") or "the clip"
        raise PoseError(f"{name} must be an object with keypoint and img_shape", field=field.rstrip("."), file=file)
    lists, scores = obj.get("keypoint"), obj.get("keypoint_score")
    if lists is None:
        raise PoseError(
            f"{field}keypoint is missing: give lists of numbers, [T, V, 2] or [M, T, V, 2], in pixels",
            field=f"{field}keypoint",
            file=file,
        )
    listed = partial(array_from_lists, bounds=bounds, booleans=may_hold_booleans, file=file, token=token)
    keypoint = lists if isinstance(lists, np.ndarray) else listed(lists, f"{field}keypoint")
    keypoint_score = scores
    if scores is not None and not isinstance(scores, np.ndarray):
        keypoint_score = listed(scores, f"{field}keypoint_score")
    own_layout = obj.get("layout")
    layout = layout if own_layout is None else own_layout
    if layout is not None and not isinstance(layout, str):
        raise PoseError(f"{field}layout must be a layout's name, such as coco17", field=f"{field}layout", file=file)
    own_name, own_shape, label = obj.get("frame_dir"), obj.get("img_shape"), obj.get("label")
    return PoseClip.build(
        keypoint,
        keypoint_score,
        img_shape=img_shape if own_shape is None else own_shape,
        layout=get_layout(layout, keypoint.shape[-2] if keypoint.ndim > 1 else None) if layout else None,
        frame_dir=frame_dir if own_name is None else check_frame_dir(own_name, field=f"{field}frame_dir", file=file),
        label=None if label is None else check_label(label, field=f"{field}label", file=file),
        bounds=bounds,
        file=file,
        field=field,
        is_finite=is_finite,
    )
