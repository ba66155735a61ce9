"""Reads a clip in JSON: ``{keypoint, keypoint_score?, img_shape, layout?, frame_dir?, label?}``.

It may also have other keys of PYSKL's annotations: `CLIP_KEYS` and `UNUSED_KEYS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.clip import PoseClip, check_frame_dir, check_label
from heatsvc.pose.compressed import select_rows
from heatsvc.pose.errors import PoseError
from heatsvc.pose.findings import AS_GIVEN, Interpretation
from heatsvc.pose.readers.lists import array_from_lists
from heatsvc.pose.readers.upload import Upload

CLIP_KEYS = (
    "keypoint",
    "keypoint_score",
    "img_shape",
    "layout",
    "frame_dir",
    "label",
    "total_frames",
    "frame_inds",
    "anno_inds",
    "filename",
)
"""Keys of a clip."""

UNUSED_KEYS = ("box_score", "original_shape", "num_person_raw", "start_index", "modality", "valid")
"""Other keys of annotations of PYSKL and MMAction2, which are ignored; `HeatmapDataset` reads `box_score`."""


def is_json_clip(upload: Upload) -> bool:
    """Whether the content is an object with `keypoint`."""
    return isinstance(upload.json, dict) and "keypoint" in upload.json


def read_json_clip(upload: Upload) -> list[PoseClip]:
    """Read one clip; for errors see `clip_from_json`. The options' layout takes precedence, as with other files."""
    options = upload.options
    return [
        clip_from_json(
            {**upload.json, "layout": options.layout} if options.layout else upload.json,
            bounds=options.bounds,
            may_hold_booleans=upload.booleans,
            file=upload.file,
            img_shape=options.img_shape,
            frame_dir=upload.frame_dir,
            interpretation=options.interpretation,
            token=options.token,
        )
    ]


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
    interpretation: Interpretation = AS_GIVEN,
    token: CancelToken = NEVER_CANCELLED,
) -> PoseClip:
    """A clip from parsed JSON, or from an annotation of PYSKL's; other keys are ignored.

    Args:
        obj: `keypoint` lists [M, T, V, 2|3], [T, V, 2|3] or [V, 2|3]; `keypoint_score` lists of that shape without
            its last axis; a `null` in either is 'not detected'. Or arrays of `parse_number_arrays`. With `frame_inds`
            the keypoints are compressed, [N, V, 2|3]; see `select_rows`.
        field: path of the object in the request, as a prefix: ``clips[3].``.
        bounds: max_input_values, and those of `PoseClip.build`.
        may_hold_booleans: False where the JSON text is known to have none (`lists.may_hold_booleans`): the type of
            each number is not checked then.
        is_finite: True where the keypoints are arrays of finite numbers.
        file: the file's name, for messages.
        img_shape, layout, frame_dir: defaults for what the object lacks.
        interpretation: how the numbers are meant.
        token: checked regularly in long lists.

    Raises:
        PoseError: a key is missing or has an invalid value; `detail` has the index, ``keypoint[0][3][5][1]``.
        LayoutError: the layout does not exist.
        LimitError: the clip is larger than `bounds` allow.
    """
    if type(obj) is not dict and not isinstance(obj, Mapping):
        name = field.rstrip(".") or "the clip"
        raise PoseError(f"{name} must be an object with keypoint and img_shape", field=field.rstrip("."), file=file)

    def array(key: str) -> npt.NDArray[Any] | None:
        value = obj.get(key)
        if value is None or isinstance(value, np.ndarray):
            return value
        return array_from_lists(
            value, f"{field}{key}", bounds=bounds, booleans=may_hold_booleans, file=file, token=token
        )

    keypoint, keypoint_score = array("keypoint"), array("keypoint_score")
    if keypoint is None:
        raise PoseError(
            f"{field}keypoint is missing: send numbers [T, V, 2] or [M, T, V, 2], in pixels",
            field=f"{field}keypoint",
            file=file,
        )
    own_layout = obj.get("layout")
    layout = layout if own_layout is None else own_layout
    if layout is not None and not isinstance(layout, str):
        raise PoseError(f"{field}layout must be a layout's name, such as coco17", field=f"{field}layout", file=file)
    frame_inds = None
    if "frame_inds" in obj:
        keypoint, frame_inds = select_rows(obj, keypoint, field=field, file=file)
    name = "frame_dir" if obj.get("frame_dir") is not None else "filename"
    own_name, own_shape = obj.get(name), obj.get("img_shape")
    return PoseClip.build(
        keypoint,
        keypoint_score,
        img_shape=img_shape if own_shape is None else own_shape,
        layout=layout,
        frame_dir=frame_dir if own_name is None else check_frame_dir(own_name, field=f"{field}{name}", file=file),
        label=check_label(obj.get("label"), field=f"{field}label", file=file),
        bounds=bounds,
        file=file,
        field=field,
        is_finite=is_finite,
        interpretation=interpretation,
        total_frames=obj.get("total_frames"),
        frame_inds=frame_inds,
    )
