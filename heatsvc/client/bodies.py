"""RequestBody, and how a clip is sent: an array as npy, a mapping as JSON, a file or a folder as a form."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.client.options import as_query, to_json
from heatsvc.client.uploads import FilePart, PathLike, keypoint_parts

ClipLike = npt.NDArray[Any] | Mapping[str, Any] | PathLike
"""What stands for one clip, or for those of a file:

- an array ``[V, 2|3]``, ``[T, V, 2|3]`` or ``[M, T, V, 2|3]``: x, y and, where there is a third number, the score
- a mapping ``{keypoint, keypoint_score?, img_shape?, layout?, frame_dir?}`` of arrays or lists, as in PYSKL's pickles
- the path of a file, an archive or a folder of any format that the service reads
"""


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body of a request, with its query and headers. It may be sent several times.

    Attributes:
        params: of the query.
        headers: of the request.
        content: bytes of the body; None if it is a form.
        fields: text parts of the form.
        files: file parts of the form.
    """

    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    fields: dict[str, str] = field(default_factory=dict)
    files: list[FilePart] = field(default_factory=list)


def is_one_clip(clips: object) -> bool:
    """Whether a value is no sequence of clips. `clip_body` refuses a value that is no clip either."""
    return isinstance(clips, str) or not isinstance(clips, Sequence)


def clip_body(clip: ClipLike, options: Mapping[str, Any]) -> RequestBody:
    """The body of a request to /heatmap or /clips.

    Args:
        clip: an array, a mapping or a path.
        options: of the request; those that are None are left out.

    Raises:
        OSError: a file does not exist, or cannot be read.
        TypeError: the clip is none of these, or an option cannot be written as JSON.
        ValueError: the clip is an array of Python objects.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(clip, str | os.PathLike):
        return RequestBody(fields={"options": to_json(given).decode()}, files=keypoint_parts("file", [Path(clip)]))
    if isinstance(clip, Mapping):
        arrays = {name: _as_json_array(value) for name, value in clip.items()}
        # The clip's own img_shape, layout and name take precedence over the options.
        return RequestBody(headers={"Content-Type": "application/json"}, content=to_json({**given, **arrays}))
    if hasattr(clip, "__array__"):
        body = io.BytesIO()
        np.save(body, np.asarray(clip), allow_pickle=False)
        return RequestBody(as_query(given), {"Content-Type": "application/x-npy"}, body.getvalue())
    raise TypeError(f"a clip is a NumPy array, a mapping with the key 'keypoint', or a path, not {type(clip).__name__}")


def clip_name(clip: ClipLike, index: int) -> str:
    """The name of an array or a mapping among several: its `frame_dir`, or its position."""
    if isinstance(clip, Mapping):
        return str(clip.get("frame_dir") or clip.get("filename") or index)
    return str(index)


def _as_json_array(value: Any) -> Any:
    """Convert an array to the memory layout and byte order that orjson needs; other values stay as they are."""
    if not hasattr(value, "__array__") or isinstance(value, np.generic):
        return value
    array = np.asarray(value)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
