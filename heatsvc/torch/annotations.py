"""load_annotations: reads the clips of one split of an annotation pickle, in the data types of the file."""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.pose import PoseClip, PoseError
from heatsvc.pose.clip import as_number, check_frame_dir, check_label
from heatsvc.pose.compressed import select_rows
from heatsvc.pose.findings import AS_GIVEN, Interpretation
from heatsvc.pose.readers.annotation import (
    identifier_of,
    list_of_annotations,
    names_of,
    numeric_array,
    with_arrays,
)
from heatsvc.pose.unpickle import unpickle


@dataclass(frozen=True, slots=True)
class ClipDefaults:
    """Defaults for annotations, and how to interpret their numbers.

    Attributes:
        img_shape: (height, width), for annotations that do not specify it.
        layout: keypoint layout, if it cannot be inferred from the number of keypoints.
        interpretation: how to interpret the numbers.
        box_thr: rows of compressed keypoints with a lower `box_score` are dropped; None keeps all.
        bounds: limits of a clip.
    """

    img_shape: Sequence[int] | None = None
    layout: str | None = None
    interpretation: Interpretation = AS_GIVEN
    box_thr: float | None = None
    bounds: Bounds = DEFAULT_BOUNDS


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """One clip in the data types of the file; in float16 it takes half the memory of a `PoseClip`.

    Attributes:
        frame_dir: name of the clip.
        label: class index; -1 if the annotation has none.
        img_shape: (height, width), not validated.
        keypoint: [M, T, V, 2], or compressed, [N, V, 3].
        keypoint_score: [M, T, V], or None.
        total_frames: the annotation's value, not validated.
        frame_inds: int64 [N] for compressed keypoints, else None.
    """

    frame_dir: str
    label: int
    img_shape: Sequence[int] | None
    keypoint: npt.NDArray[Any]
    keypoint_score: npt.NDArray[Any] | None
    total_frames: object = None
    frame_inds: npt.NDArray[Any] | None = None

    def clip(self, options: ClipDefaults) -> PoseClip:
        """The clip, validated and in float32.

        Raises:
            InputError: arrays do not fit each other, a value is infinite, or img_shape is invalid.
        """
        return PoseClip.build(
            self.keypoint,
            self.keypoint_score,
            img_shape=options.img_shape if self.img_shape is None else self.img_shape,
            layout=options.layout,
            frame_dir=self.frame_dir,
            label=self.label,
            bounds=options.bounds,
            interpretation=options.interpretation,
            total_frames=self.total_frames,
            frame_inds=self.frame_inds,
        )


def load_annotations(
    path: str | os.PathLike[str], split: str | None, options: ClipDefaults
) -> tuple[list[Annotation], int]:
    """Read one split of a pickle with the safe unpickler, which executes nothing in it.

    While reading, all arrays of the file are in memory; afterwards only those of the split.

    Args:
        path: the pickle: ``{'split': {...}, 'annotations': [...]}``, a list of annotations, or one annotation.
        split: a name in `split`; None for all clips.
        options: `box_thr`, and `bounds.max_pickle_objects`.

    Returns:
        The clips of the split in the order of the pickle's list, as in PYSKL and MMAction2; and the number of classes
        of the whole pickle, its largest label plus 1.

    Raises:
        OSError: the file cannot be opened.
        PoseError: the file is not an annotation pickle; the split does not exist (the message lists all) or has no
            clips; or a clip has no keypoints.
        LimitError: the pickle has more objects than `bounds` allow.
    """
    file = Path(path).name
    content = _unpickle(Path(path), options.bounds)
    annotations = list_of_annotations(content, file)
    identifier = identifier_of(annotations)
    names = None if split is None else _split_names(content, split, file)
    clips, labels, found = [], [-1], set()
    for i, item in enumerate(annotations):
        field = f"annotations[{i}]"
        if not isinstance(item, dict):
            raise PoseError(f"{field} must be a dict with keypoint, img_shape and label", field=field, file=file)
        item = with_arrays(item)
        label = as_number(item.get("label"))
        if type(label) is int:
            labels.append(label)
        name = item.get(identifier)
        name = "" if name is None else name
        if not isinstance(name, str):
            check_frame_dir(name, field=f"{field}.{identifier}", file=file)
            continue
        if names is None or name in names:
            found.add(name)
            clips.append(_annotation(item, name, label, field, file, options.box_thr))
    if not clips:
        raise PoseError(
            f"{file}: {f'split {split!r}' if split else 'the pickle'} has no clips", field="split", file=file
        )
    missing = sorted((names or set()) - found)
    if missing:
        warnings.warn(
            f"{file}: split {split!r} has {len(missing):,} names without a clip in the file, such as {missing[0]!r}",
            stacklevel=3,
        )
    return clips, max(labels) + 1


def _unpickle(path: Path, bounds: Bounds) -> Any:
    if not path.stat().st_size:
        raise PoseError("the file is empty", file=path.name)
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        # The file is mapped: reading it into bytes would make a second copy of all arrays.
        return unpickle(cast("bytes", mapped), bounds=bounds, file=path.name)


def _split_names(content: Any, split: str, file: str) -> set[str]:
    splits = content.get("split") if isinstance(content, dict) else None
    if not isinstance(split, str):
        raise PoseError(f"split must be a name or None, not {type(split).__name__}", field="split", file=file)
    if not isinstance(splits, dict) or not splits:
        raise PoseError(
            f"{file} has no splits, and so no split {split!r:.60}: use split=None for all its clips",
            field="split",
            file=file,
        )
    names = splits.get(split)
    if names is None:
        known = ", ".join(f"{name!s:.40}" for name in list(splits)[:30])
        raise PoseError(f"{file} has no split {split!r:.60}: it has {known}", field="split", file=file)
    listed = names_of(names)
    if listed is None:
        raise PoseError(f"split {split!r:.60} must be a list of names", field="split", file=file)
    return set(listed)


def _annotation(
    item: dict[Any, Any], name: object, label: object, field: str, file: str, box_thr: float | None
) -> Annotation:
    frame_dir = check_frame_dir(name, field=f"{field}.frame_dir", file=file)
    index = check_label(label, field=f"{field}.label", file=file)
    keypoint = numeric_array(item.get("keypoint"), f"{field}.keypoint", file)
    if keypoint is None:
        raise PoseError(f"{field}.keypoint ({frame_dir!r:.80}) is missing", field=f"{field}.keypoint", file=file)
    keypoint, frame_inds = select_rows(item, keypoint, box_thr=box_thr, field=f"{field}.", file=file)
    score = numeric_array(item.get("keypoint_score"), f"{field}.keypoint_score", file)
    shape = item.get("img_shape")
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    return Annotation(
        frame_dir, -1 if index is None else index, shape, keypoint, score, item.get("total_frames"), frame_inds
    )
