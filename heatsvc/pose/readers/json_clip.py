"""A file that holds one clip in the form of a request's."""

from __future__ import annotations

from heatsvc.pose.clip import PoseClip
from heatsvc.pose.readers.names import frame_dir_of
from heatsvc.pose.readers.request import clip_from_json
from heatsvc.pose.readers.upload import Upload


def is_json_clip(upload: Upload) -> bool:
    """An object with `keypoint`."""
    return isinstance(upload.json, dict) and "keypoint" in upload.json


def read_json_clip(upload: Upload) -> list[PoseClip]:
    """One clip; errors as of `clip_from_json`."""
    options = upload.options
    return [
        clip_from_json(
            upload.json,
            bounds=options.bounds,
            may_hold_booleans=upload.booleans,
            file=upload.file,
            img_shape=options.img_shape,
            layout=options.layout,
            frame_dir=frame_dir_of(upload.filename),
            token=options.token,
        )
    ]
