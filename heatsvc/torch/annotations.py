"""Annotations: the clips of one split of an annotation pickle, as they lie in the file."""

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
from heatsvc.pose import Layout, PoseClip, PoseError, get_layout
from heatsvc.pose.clip import check_frame_dir, check_label
from heatsvc.pose.pickled_numpy import PickledArray
from heatsvc.pose.unpickle import unpickle


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """One clip in the file's own types, half as large in float16 as the clip it becomes.

    Attributes:
        frame_dir: its name.
        label: its class index.
        img_shape: (height, width), as it stands there.
        keypoint: [M, T, V, 2].
        keypoint_score: [M, T, V], or None.
    """

    frame_dir: str
    label: int
    img_shape: Sequence[int] | None
    keypoint: npt.NDArray[Any]
    keypoint_score: npt.NDArray[Any] | None

    def clip(self, layout: str | None, bounds: Bounds) -> PoseClip:
        """The clip, float32 and checked.

        Raises:
            InputError: arrays that do not fit each other, infinite values, an img_shape that is none.
        """
        try:
            return PoseClip.build(
                self.keypoint,
                self.keypoint_score,
                img_shape=self.img_shape,
                layout=_layout(layout, self.keypoint),
                frame_dir=self.frame_dir,
                label=self.label,
                bounds=bounds,
            )
        except InputError as error:
            error.args = (f"{self.frame_dir}: {error}",)
            raise


@dataclass(frozen=True, slots=True)
class Annotations:
    """What of a pickle is kept.

    Attributes:
        chosen: the split's clips, in the order of the pickle's list, as PYSKL and MMAction2 take them.
        num_classes: the largest label of the whole pickle, and one.
    """

    chosen: tuple[Annotation, ...]
    num_classes: int


def load_annotations(path: str | os.PathLike[str], split: str | None, bounds: Bounds) -> Annotations:
    """Read one split of a pickle through the safe reader: nothing in it is executed.

    Memory is that of the file's arrays, once, and afterwards that of the split's.

    Args:
        path: the pickle, ``{'split': {...}, 'annotations': [...]}`` or the bare list.
        split: a name in `split`; None for all clips.
        bounds: max_pickle_objects.

    Raises:
        OSError: the file cannot be opened.
        PoseError: no annotation pickle; no such split (the message lists those there are), or one without clips; a
            clip without keypoints or label.
        LimitError: more objects than `bounds` allow.
    """
    file = Path(path).name
    content = _content(Path(path), bounds)
    listed = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(listed, list):
        raise PoseError(
            "the pickle is no annotation file: it must hold {'split': ..., 'annotations': [...]} or the list alone",
            field="annotations",
            file=file,
        )
    names = None if split is None else _names(content, split, file)
    chosen, labels = [], [-1]
    for i, told in enumerate(listed):
        field = f"annotations[{i}]"
        if not isinstance(told, dict):
            raise PoseError(f"{field} must be a dict with keypoint, img_shape and label", field=field, file=file)
        if type(told.get("label")) is int:
            labels.append(told["label"])
        name = check_frame_dir(told.get("frame_dir", ""), field=f"{field}.frame_dir", file=file)
        if names is None or name in names:
            chosen.append(_annotation(told, name, field, file))
    if not chosen:
        raise PoseError(
            f"{file}: {f'split {split!r}' if split else 'the pickle'} has no clips", field="split", file=file
        )
    _warn_of_unknown(names, chosen, split, file)
    return Annotations(tuple(chosen), max(labels) + 1)


def _content(path: Path, bounds: Bounds) -> Any:
    if not path.stat().st_size:
        raise PoseError("the file is empty", file=path.name)
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        # Pages of a file, where bytes would be a second copy of all arrays: the reader takes both.
        return unpickle(cast("bytes", mapped), bounds=bounds, file=path.name)


def _names(content: Any, split: str, file: str) -> set[str]:
    splits = content.get("split") if isinstance(content, dict) else None
    if not isinstance(splits, dict) or not splits:
        raise PoseError(
            f"{file} has no splits, so none that is called {split!r:.60}: give split=None for all of its clips",
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


def _annotation(told: dict[str | int, Any], name: str, field: str, file: str) -> Annotation:
    label = check_label(told.get("label"), field=f"{field}.label", file=file)
    if label is None or label < 0:
        what = "has no label" if label is None else f"has the label {label}"
        raise PoseError(
            f"{field} ({name!r:.80}) {what}: training needs a class index, 0 or more", field=f"{field}.label", file=file
        )
    keypoint = _array(told.get("keypoint"), f"{field}.keypoint", file)
    if keypoint is None:
        raise PoseError(f"{field}.keypoint ({name!r:.80}) is missing", field=f"{field}.keypoint", file=file)
    score = _array(told.get("keypoint_score"), f"{field}.keypoint_score", file)
    shape = told.get("img_shape")
    if isinstance(shape, PickledArray) and shape.array is not None:
        shape = shape.array.tolist()
    return Annotation(name, label, shape, keypoint, score)


def _array(value: object, field: str, file: str) -> npt.NDArray[Any] | None:
    if value is None:
        return None
    if not isinstance(value, PickledArray) or value.array is None:
        raise PoseError(f"{field} must be a NumPy array of numbers, not {type(value).__name__}", field=field, file=file)
    return value.array


def _layout(layout: str | None, keypoint: npt.NDArray[Any]) -> Layout | None:
    return get_layout(layout, keypoint.shape[-2]) if layout and keypoint.ndim > 1 else None


def _warn_of_unknown(names: set[str] | None, chosen: list[Annotation], split: str | None, file: str) -> None:
    unknown = sorted((names or set()) - {annotation.frame_dir for annotation in chosen})
    if unknown:
        warnings.warn(
            f"{file}: split {split!r} names {len(unknown):,} clips that the file does not hold, such as {unknown[0]!r}",
            stacklevel=4,
        )
