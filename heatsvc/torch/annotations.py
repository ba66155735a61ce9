"""load_annotations: the clips of one split of an annotation pickle, in the file's own types."""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip, PoseError
from heatsvc.pose.clip import check_frame_dir, check_label
from heatsvc.pose.pickled_numpy import PickledArray
from heatsvc.pose.readers.annotation import list_of_annotations, numeric_array
from heatsvc.pose.unpickle import unpickle


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """One clip in the file's own types: in float16 half as large as its `PoseClip`.

    Attributes:
        frame_dir: its name.
        label: its class index.
        img_shape: (height, width), not validated.
        keypoint: [M, T, V, 2].
        keypoint_score: [M, T, V], or None.
    """

    frame_dir: str
    label: int
    img_shape: Sequence[int] | None
    keypoint: npt.NDArray[Any]
    keypoint_score: npt.NDArray[Any] | None

    def clip(self, layout: str | None, bounds: Bounds) -> PoseClip:
        """The clip, validated and in float32.

        Raises:
            InputError: arrays that do not fit each other, infinite values, an invalid img_shape.
        """
        try:
            return PoseClip.build(
                self.keypoint,
                self.keypoint_score,
                img_shape=self.img_shape,
                layout=layout,
                frame_dir=self.frame_dir,
                label=self.label,
                bounds=bounds,
            )
        except InputError as error:
            error.args = (f"{self.frame_dir}: {error}",)
            raise


def load_annotations(path: str | os.PathLike[str], split: str | None, bounds: Bounds) -> tuple[list[Annotation], int]:
    """Read one split of a pickle with the safe unpickler: nothing in it is executed.

    Memory is that of the file's arrays once, and afterwards that of the split's.

    Args:
        path: the pickle, ``{'split': {...}, 'annotations': [...]}`` or the bare list.
        split: a name in `split`; None for all clips.
        bounds: max_pickle_objects.

    Returns:
        the split's clips, in the order of the pickle's list, as PYSKL and MMAction2 take them; and the number of
        classes of the whole pickle, its largest label plus 1.

    Raises:
        OSError: the file cannot be opened.
        PoseError: not an annotation pickle; no such split (the message lists all), or one without clips; a clip
            without keypoints or label.
        LimitError: more objects than `bounds` allow.
    """
    file = Path(path).name
    content = _unpickle(Path(path), bounds)
    annotations = list_of_annotations(content, file)
    names = None if split is None else _split_names(content, split, file)
    clips, labels = [], [-1]
    for i, item in enumerate(annotations):
        field = f"annotations[{i}]"
        if not isinstance(item, dict):
            raise PoseError(f"{field} must be a dict with keypoint, img_shape and label", field=field, file=file)
        if type(item.get("label")) is int:
            labels.append(item["label"])
        name = check_frame_dir(item.get("frame_dir", ""), field=f"{field}.frame_dir", file=file)
        if names is None or name in names:
            clips.append(_annotation(item, name, field, file))
    if not clips:
        raise PoseError(
            f"{file}: {f'split {split!r}' if split else 'the pickle'} has no clips", field="split", file=file
        )
    missing = sorted((names or set()) - {clip.frame_dir for clip in clips})
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
        # The file's pages, where bytes would be a second copy of all arrays: the unpickler accepts both.
        return unpickle(cast("bytes", mapped), bounds=bounds, file=path.name)


def _split_names(content: Any, split: str, file: str) -> set[str]:
    splits = content.get("split") if isinstance(content, dict) else None
    if not isinstance(splits, dict) or not splits:
        raise PoseError(
            f"{file} has no splits, so no split {split!r:.60}: give split=None for all of its clips",
            field="split",
            file=file,
        )
    names = splits.get(split)
    if names is None:
        known = ", ".join(f"{name!s:.40}" for name in list(splits)[:30])
        raise PoseError(f"{file} has no split {split!r:.60}: it has {known}", field="split", file=file)
    if not isinstance(names, list | tuple) or not all(type(name) is str for name in names):
        raise PoseError(f"split {split!r:.60} must be a list of names", field="split", file=file)
    return set(names)


def _annotation(item: dict[str | int, Any], name: str, field: str, file: str) -> Annotation:
    label = check_label(item.get("label"), field=f"{field}.label", file=file)
    if label is None or label < 0:
        what = "has no label" if label is None else f"has the label {label}"
        raise PoseError(
            f"{field} ({name!r:.80}) {what}: training needs a class index, 0 or more", field=f"{field}.label", file=file
        )
    keypoint = numeric_array(item.get("keypoint"), f"{field}.keypoint", file)
    if keypoint is None:
        raise PoseError(f"{field}.keypoint ({name!r:.80}) is missing", field=f"{field}.keypoint", file=file)
    score = numeric_array(item.get("keypoint_score"), f"{field}.keypoint_score", file)
    shape = item.get("img_shape")
    if isinstance(shape, PickledArray) and shape.array is not None:
        shape = shape.array.tolist()
    return Annotation(name, label, shape, keypoint, score)
