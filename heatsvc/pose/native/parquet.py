"""Reads landmarks in Parquet, one per row. Runs in a child process: a small file may unpack to any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from arro3.core import RecordBatch
from arro3.io import read_parquet

from heatsvc.bounds import BYTES_PER_POINT, Bounds
from heatsvc.pose.errors import NoKeypointsError, PoseError

_COLUMNS = ("frame", "type", "landmark_index", "x", "y")
_BATCH_ROWS = 8192
# Holistic has four types, and at most 478 landmarks of a face.
_MAX_TYPES, _MAX_INDEX = 64, 1 << 16


def read_landmarks(data: bytes, bounds: Bounds, file: str | None) -> tuple[Any, ...]:
    """See `heatsvc.pose.native.read_parquet`. Rows are read in batches, and counted before the next batch is read."""
    types: dict[str, int] = {}
    batches: list[tuple[npt.NDArray[Any], ...]] = []
    rows = 0
    for batch in read_parquet(data, batch_size=_BATCH_ROWS):
        rows += batch.num_rows
        bounds.check("max_unpacked_bytes", rows * BYTES_PER_POINT, "bytes of landmarks", file=file)
        bounds.check("max_input_values", 2 * rows, "numbers", file=file)
        batches.append(_read_batch(batch, types, file))
    if not rows:
        raise NoKeypointsError("the Parquet file has no rows", file=file)
    frame, key, x, y = (np.concatenate(column) for column in zip(*batches, strict=True))
    frames, t = np.unique(frame, return_inverse=True)
    keys, first, v = np.unique(key, return_index=True, return_inverse=True)
    bounds.check("max_frames", len(frames), "frames", file=file)
    bounds.check("max_keypoints", len(keys), "keypoints", file=file)
    bounds.check("max_unpacked_bytes", len(frames) * len(keys) * BYTES_PER_POINT, "bytes of keypoints", file=file)
    # Points in the order of the file.
    order = np.argsort(first)
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    seen = np.bincount(t * len(keys) + position[v], minlength=len(frames) * len(keys))
    if seen.max() > 1:
        twice_t, twice_v = divmod(int(seen.argmax()), len(keys))
        kind, index = divmod(int(keys[order[twice_v]]), _MAX_INDEX)
        raise PoseError(
            f"{list(types)[kind]!r:.60} {index} occurs twice in frame {frames[twice_t]}: a file must have one person",
            file=file,
        )
    xy = np.full((len(frames), len(keys), 2), np.nan, np.float32)
    xy[t, position[v], 0], xy[t, position[v], 1] = x, y
    names = list(types)
    points = [(names[each // _MAX_INDEX], each % _MAX_INDEX) for each in keys[order].tolist()]
    return points, len(frames), xy.tobytes()


def _read_batch(batch: RecordBatch, types: dict[str, int], file: str | None) -> tuple[npt.NDArray[Any], ...]:
    """frame, type and landmark_index as one number, and x and y, of each row. New types are added to `types`."""
    missing = [name for name in _COLUMNS if name not in batch.column_names]
    if missing:
        raise PoseError(
            f"the Parquet file has no column {missing[0]}: it must have the columns {', '.join(_COLUMNS)} of Google's "
            "ISLR, and one row per landmark and frame",
            file=file,
        )
    columns = {name: batch.column(name) for name in _COLUMNS}
    numbers = []
    for name in ("frame", "landmark_index"):
        values = np.array(columns[name].to_pylist())
        if values.dtype.kind not in "iu" or (values < 0).any():
            raise PoseError(f"the column {name} must be whole numbers", field=name, file=file)
        numbers.append(values.astype(np.int64))
    if (numbers[1] >= _MAX_INDEX).any():
        raise PoseError(
            f"the column landmark_index has {numbers[1].max():,}, which is too large", field="landmark_index", file=file
        )
    texts = columns["type"].to_pylist()
    if not all(isinstance(text, str) for text in texts):
        raise PoseError(
            "the column type must be text, such as face, left_hand, pose and right_hand", field="type", file=file
        )
    for text in dict.fromkeys(texts):
        types.setdefault(text, len(types))
    if len(types) > _MAX_TYPES:
        raise PoseError(f"the column type has {len(types)} values: {_MAX_TYPES} at most", field="type", file=file)
    kind = np.array([types[text] for text in texts], np.int64)
    xy = []
    for name in ("x", "y"):
        # None is NaN then.
        try:
            with np.errstate(over="ignore"):
                xy.append(np.array(columns[name].to_pylist(), np.float32))
        except (TypeError, ValueError):
            raise PoseError(f"the column {name} must be numbers", field=name, file=file) from None
    return numbers[0], kind * _MAX_INDEX + numbers[1], xy[0], xy[1]
