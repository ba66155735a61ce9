"""PoseClip: the validated keypoints of one clip, independent of the file format."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import BYTES_PER_POINT, DEFAULT_BOUNDS, Bounds
from heatsvc.kernels import KERNELS
from heatsvc.pose import flat_holistic
from heatsvc.pose.array_plausibility import axes_hint, judge_array, judge_normalized
from heatsvc.pose.compressed import CompressedFrames, check_float16
from heatsvc.pose.errors import InfiniteError, NoKeypointsError, PoseError
from heatsvc.pose.findings import AS_GIVEN, Finding, ImplausibleError, Interpretation
from heatsvc.pose.layouts import KEYPOINT_COUNTS, LAYOUTS, LAYOUTS_BY_POINTS, Layout, get_layout, infer_layout

Float32 = npt.NDArray[np.float32]

# In this order, since `isinstance` takes ten times as long with an abstract class.
_SEQUENCES = (list, tuple, np.ndarray, Sequence)
_INTEGERS = (int, np.integer)
_OF_NUMPY = (np.generic, np.ndarray)
_MAX_SIDE = 100_000
_MAX_NAME_LENGTH = 255
# Native floating-point types for the kernels; float16 is converted to float32 first.
_FLOAT32 = np.dtype(np.float32)
_FLOATS = (_FLOAT32, np.dtype(np.float64), np.dtype(np.float16))
_FLAT_HOLISTIC = (flat_holistic.LENGTH,)
_AXES = {2: "[V, 2|3]", 3: "[T, V, 2|3]", 4: "[M, T, V, 2|3]"}


@dataclass(frozen=True, slots=True, eq=False)
class PoseClip:
    """One clip: M persons, T frames, V keypoints. A point that is NaN was not detected and is never rendered.

    Compressed keypoints are [1, N, V, 2], one row per person and frame; DecompressPose turns them into [M, T, V, 2].

    Attributes:
        keypoint: float32 [M, T, V, 2], x and y in pixels of the video frame; finite, or both NaN.
        keypoint_score: float32 [M, T, V], the estimator's confidence; finite, 0 where the point is NaN.
        img_shape: (height, width) of the video frame in pixels.
        layout: layout of the V points; None if unknown.
        frame_dir: the clip's name in its dataset; "" if it has none.
        label: the class index; None if it has none.
        findings: findings so far, from building the clip and selecting its points.
        third_number_is_score: whether the scores were the third numbers of keypoints, and so may be depths.
        compressed: the frames of compressed keypoints; None for other keypoints.
    """

    keypoint: Float32
    keypoint_score: Float32
    img_shape: tuple[int, int]
    layout: Layout | None = None
    frame_dir: str = ""
    label: int | None = None
    findings: tuple[Finding, ...] = ()
    third_number_is_score: bool = False
    compressed: CompressedFrames | None = None

    def __repr__(self) -> str:
        layout = self.layout.name if self.layout else None
        return (
            f"PoseClip(frame_dir={self.frame_dir!r}, persons={self.persons}, frames={self.frames}, "
            f"points={self.points}, layout={layout!r}, img_shape={self.img_shape}, label={self.label})"
        )

    @property
    def persons(self) -> int:
        """M."""
        return int(self.keypoint.shape[0])

    @property
    def frames(self) -> int:
        """T, or N for compressed keypoints."""
        return int(self.keypoint.shape[1])

    @property
    def points(self) -> int:
        """V."""
        return int(self.keypoint.shape[2])

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.keypoint.nbytes + self.keypoint_score.nbytes

    @classmethod
    def build(
        cls,
        keypoint: npt.NDArray[Any],
        keypoint_score: npt.NDArray[Any] | None = None,
        *,
        img_shape: Sequence[int] | None,
        layout: Layout | str | None = None,
        frame_dir: str = "",
        label: int | None = None,
        bounds: Bounds = DEFAULT_BOUNDS,
        file: str | None = None,
        field: str = "",
        is_finite: bool = False,
        interpretation: Interpretation = AS_GIVEN,
        total_frames: object = None,
        frame_inds: npt.NDArray[np.int64] | None = None,
        are_axes_known: bool = False,
    ) -> PoseClip:
        """Validate arrays and convert them to a clip.

        Args:
            keypoint: numbers [V, C], [T, V, C] or [M, T, V, C], C = 2 (x, y) or 3 (x, y, score); or MediaPipe
                Holistic's landmarks in rows, [T, 1662]. Values that a NumPy mask hides are not detected.
            keypoint_score: numbers in keypoint's shape without its last axis, used instead of a third column. Without
                either, all scores are 1.
            img_shape: (height, width) in pixels.
            layout: layout of the points, or its name; None or "" infers it from their number.
            frame_dir, label: name and label of the clip.
            bounds: max_persons, max_frames, max_keypoints, and max_unpacked_bytes for the float32 arrays.
            file, field: source of the arrays, for messages; `field` is a prefix such as ``clips[3].``.
            is_finite: whether all numbers are known to be finite, and need not be checked.
            interpretation: how to interpret the numbers, and whether impossible ones are errors or `findings`.
            total_frames: the number of frames that an annotation declares; None if it does not.
            frame_inds: int64 [N], the frame of each row of compressed keypoints [N, V, C] (`select_rows`).
            are_axes_known: whether a reader has built the array, so that its axes need not be checked.

        Raises:
            ImplausibleError: axes, third numbers or total_frames are impossible, or coordinates are not normalized.
                The points are checked when they are selected (`plausibility.judge_points`).
            LayoutError: the layout does not exist.
            PoseError: the axes are wrong, an axis is empty, a value is infinite or not a number, the layout has another
                number of points, or img_shape is invalid.
            LimitError: there are more persons, frames or keypoints than `bounds` allow.
        """
        name = f"{field}keypoint"
        if type(keypoint) is not np.ndarray:
            keypoint = _fill_masked(keypoint)
        if keypoint_score is not None and type(keypoint_score) is not np.ndarray:
            keypoint_score = _fill_masked(keypoint_score)
        if keypoint.shape[-1:] == _FLAT_HOLISTIC and keypoint.ndim < 3:
            keypoint, keypoint_score = flat_holistic.split_flat_holistic(keypoint)
            layout, interpretation = layout or flat_holistic.LAYOUT, replace(interpretation, coordinates="normalized")
            is_finite = False
        xy, score_column = _split_columns(keypoint, name, file)
        persons, frames, count = xy.shape[:3]
        findings: tuple[Finding, ...] = ()
        compressed = None
        total_frames = as_number(total_frames)
        if frame_inds is not None:
            compressed, findings = CompressedFrames.build(
                frame_inds, total_frames, interpretation, bounds=bounds, field=field, file=file
            )
        elif (
            total_frames is not None
            or persons > 1
            or (score_column is not None and keypoint_score is not None)
            or (frames in KEYPOINT_COUNTS and count not in LAYOUTS_BY_POINTS)
        ):
            findings = judge_array(
                keypoint,
                keypoint_score,
                interpretation,
                total_frames,
                field,
                file,
                are_axes_known=are_axes_known,
                is_layout_known=bool(layout) or count in KEYPOINT_COUNTS,
            )
        # An archive of uint8 zeros can be a thousand times smaller than its float32 arrays.
        size = persons * frames * count * BYTES_PER_POINT
        if not (
            0 < persons <= bounds.max_persons
            and frames > 0
            and (frames <= bounds.max_frames or compressed)
            and 0 < count <= bounds.max_keypoints
            and size <= bounds.max_unpacked_bytes
        ):
            for axis, length in (("persons", persons), ("frames", frames), ("keypoints", count)):
                if length == 0:
                    raise NoKeypointsError(f"{name} has 0 {axis}: at least one is needed", field=name, file=file)
                if compressed is None or axis != "frames":
                    bounds.check(f"max_{axis}", length, axis, field=name, file=file)
            bounds.check("max_unpacked_bytes", size, "bytes of keypoints", field=name, file=file)
        if interpretation.project == "xy":
            if keypoint.shape[-1] == 2:
                raise PoseError(
                    f"`project: xy` drops the third number of a keypoint, but those of {name} have two: leave it out",
                    field=name,
                    file=file,
                )
            keypoint, score_column = keypoint[..., :2], None
        if keypoint_score is None and not is_finite and _is_read_by_kernels(keypoint):
            points = np.empty((persons, frames, count, 2), np.float32)
            score = np.empty((persons, frames, count), np.float32)
            numbers = keypoint.astype(np.float32) if keypoint.dtype == np.float16 else keypoint
            if not KERNELS.native.split_keypoints(numbers, points, score):
                _raise_infinite(points, score, name, file)
        else:
            points = _as_float32(xy, name, file)
            if keypoint_score is not None:
                score = _scores(keypoint_score, keypoint.shape[:-1], points.shape[:3], f"{field}keypoint_score", file)
            elif score_column is not None:
                score = _as_float32(score_column, name, file)
            else:
                score = np.ones(points.shape[:3], np.float32)
            if not is_finite:
                points, score = _mark_undetected(points, score, name, file)
        img_shape = check_img_shape(img_shape, field=f"{field}img_shape", file=file)
        if interpretation.coordinates == "normalized":
            if interpretation.plausibility != "ignore" and (finding := judge_normalized(points)):
                if interpretation.plausibility == "error":
                    raise ImplausibleError(finding, field=name, file=file)
                findings = (*findings, finding)
            points = _scale(points, img_shape, name, file)
        if compressed is not None:
            check_float16(points, score, field, file)
        return cls(
            keypoint=points,
            keypoint_score=score,
            img_shape=img_shape,
            layout=_find_layout(layout, count, f"{field}layout", file),
            frame_dir=frame_dir,
            label=label,
            findings=findings,
            third_number_is_score=score_column is not None and keypoint_score is None,
            compressed=compressed,
        )


def check_img_shape(
    img_shape: Sequence[int] | None, *, field: str = "img_shape", file: str | None = None
) -> tuple[int, int]:
    """Check (height, width): two whole numbers from 1 to 100,000.

    Raises:
        PoseError: it is missing, not two whole numbers, or a side is out of range.
    """
    if img_shape is None:
        raise PoseError(
            f"{field} is missing: set it to the video frame's [height, width] in pixels, such as [1080, 1920]",
            field=field,
            file=file,
        )
    sides = list(img_shape) if isinstance(img_shape, _SEQUENCES) and not isinstance(img_shape, str) else []
    if len(sides) != 2 or not (_is_integer(sides[0]) and _is_integer(sides[1])):
        raise PoseError(
            f"{field} must be two whole numbers, [height, width], not {_short(img_shape)}", field=field, file=file
        )
    height, width = int(sides[0]), int(sides[1])
    if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE):
        raise PoseError(
            f"{field} must be [height, width] from 1 to 100,000 pixels, not {_short([height, width])}",
            field=field,
            file=file,
        )
    return height, width


def _is_integer(value: object) -> bool:
    return isinstance(value, _INTEGERS) and not isinstance(value, bool)


def check_frame_dir(value: object, *, field: str, file: str | None = None) -> str:
    """Check a clip's name, which is shown and compared, but never used as a path.

    Raises:
        PoseError: the name is not text, is longer than 255 characters, has control characters (a zip archive's name
            ends at a NUL), or cannot be encoded as UTF-8 (an unpaired surrogate).
    """
    if not isinstance(value, str):
        raise PoseError(f"{field} must be text, not {type(value).__name__}", field=field, file=file)
    if len(value) > _MAX_NAME_LENGTH:
        raise PoseError(f"{field} has {len(value)} characters: {_MAX_NAME_LENGTH} at most", field=field, file=file)
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise PoseError(f"{field} {value!r:.80} cannot be written as UTF-8", field=field, file=file)
    if not value.isprintable() and any(letter < " " or letter == "\x7f" for letter in value):
        raise PoseError(f"{field} {value!r:.80} has control characters", field=field, file=file)
    return value


def check_label(value: object, *, field: str, file: str | None = None) -> int | None:
    """Check a class index, a number of Python or NumPy or a 0-dimensional array; None if there is none.

    Raises:
        PoseError: it is not a whole number of 64 bits.
    """
    if value is None:
        return None
    value = as_number(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        what = "a number too large" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__
        raise PoseError(f"{field} must be a whole number, the class index, not {what}", field=field, file=file)
    return value


def as_number(value: object) -> object:
    """Convert a number of NumPy, or a 0-dimensional array, to a number of Python; return other values unchanged."""
    if isinstance(value, _OF_NUMPY) and value.ndim == 0 and value.dtype.kind in "iuf":
        return value.item()
    return value


def _fill_masked(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Replace masked numbers of an array by NaN; convert other arrays to a plain ndarray."""
    if isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "fiu":
        dtype = array.dtype if array.dtype.kind == "f" else np.float64
        return np.where(np.ma.getmaskarray(array), np.nan, array.data).astype(dtype)
    return np.asarray(array)


def _scale(points: Float32, img_shape: tuple[int, int], name: str, file: str | None) -> Float32:
    """Convert normalized coordinates to pixels: x times the frame's width, y times its height.

    Raises:
        InfiniteError: a coordinate is too large for float32.
    """
    with np.errstate(over="ignore"):
        scaled = points * np.array(img_shape[::-1], np.float32)
    if np.isinf(scaled).any():
        _raise_infinite(scaled, scaled[..., 0], name, file)
    return scaled


def _is_read_by_kernels(array: npt.NDArray[Any]) -> bool:
    """Whether there are compiled kernels, and they can read the array, once it is converted if it is float16."""
    flags = array.flags
    return KERNELS.native is not None and flags.c_contiguous and flags.aligned and array.dtype in _FLOATS


def _as_float32(array: npt.NDArray[Any], name: str, file: str | None) -> Float32:
    """Convert numbers of any type and byte order to native float32, C-ordered, aligned and writable.

    The kernels need such arrays, but a view of an upload's bytes may have none of these properties.
    """
    if array.dtype == _FLOAT32:
        return array if array.flags.carray else _copy(array)
    if array.dtype.kind not in "fiu":
        raise PoseError(f"{name} must be numbers, not {array.dtype}", field=name, file=file)
    with np.errstate(over="ignore"):
        return _copy(array)


def _copy(array: npt.NDArray[Any]) -> Float32:
    copy = np.empty(array.shape, np.float32)
    if array.shape[-1] == 2:
        # NumPy would loop over the last axis, which has only two numbers.
        copy[..., 0], copy[..., 1] = array[..., 0], array[..., 1]
    else:
        copy[...] = array
    return copy


def _split_columns(
    array: npt.NDArray[Any], name: str, file: str | None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Split [.., C] into points [M, T, V, 2] and, if C is 3, scores [M, T, V]; both are views."""
    if array.ndim not in _AXES:
        raise PoseError(
            f"{name} has {array.ndim} axes, {list(array.shape)}: it must be {', '.join(_AXES.values())}"
            f"{axes_hint(array.shape)}",
            field=name,
            file=file,
        )
    columns = array.shape[-1]
    if columns not in (2, 3):
        raise PoseError(
            f"the last axis of {name} has {columns} numbers per point, {list(array.shape)}: "
            f"it must be 2 (x, y) or 3 (x, y, score){axes_hint(array.shape)}",
            field=name,
            file=file,
        )
    array = array.reshape((1,) * (4 - array.ndim) + array.shape)
    if columns == 2:
        return array, None
    return array[..., :2], array[..., 2]


def _scores(
    score: npt.NDArray[Any], given: tuple[int, ...], full: tuple[int, ...], name: str, file: str | None
) -> Float32:
    if score.shape != given and score.shape != full:
        raise PoseError(
            f"{name} is {list(score.shape)}: it must be {list(given)} for these keypoints", field=name, file=file
        )
    return _as_float32(score, name, file).reshape(full)


def _mark_undetected(points: Float32, score: Float32, name: str, file: str | None) -> tuple[Float32, Float32]:
    """Set a point to NaN and its score to 0 if x, y or score is NaN. Infinity is an error."""
    if _all_finite(points) and _all_finite(score):
        return points, score
    _raise_infinite(points, score, name, file)
    undetected = np.isnan(points).any(axis=-1) | np.isnan(score)
    points, score = points.copy(), score.copy()
    points[undetected] = np.nan
    score[undetected] = 0
    return points, score


def _raise_infinite(points: Float32, score: Float32, name: str, file: str | None) -> None:
    """Raise InfiniteError with the index of the first infinite number, if there is one."""
    for what, values in ((name, points), (name + "_score", score)):
        infinite = np.isinf(values)
        if infinite.any():
            where = [int(i) for i in np.unravel_index(infinite.argmax(), infinite.shape)]
            raise InfiniteError(
                f"{what}{where} is infinite, or too large for float32: "
                "use a pixel position, or NaN (null in JSON) for 'not detected'",
                field=what,
                file=file,
                frame=where[1],
            )


def _all_finite(array: Float32) -> bool:
    """`np.isfinite(array).all()`, in half the time for few numbers."""
    return b"\0" not in np.isfinite(array).tobytes()


def _find_layout(layout: Layout | str | None, count: int, name: str, file: str | None) -> Layout | None:
    if not layout:
        return LAYOUTS_BY_POINTS.get(count) or infer_layout(count, field=name, file=file)
    if isinstance(layout, str):
        layout = get_layout(layout, count)
    if len(layout.points) != count:
        fitting = " or ".join(other.name for other in LAYOUTS.values() if len(other.points) == count)
        hint = f"; {count} points are {fitting}" if fitting else ""
        raise PoseError(
            f"layout {layout.name} has {len(layout.points)} points, but the keypoints have {count}{hint}",
            field=name,
            file=file,
        )
    return layout


_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlong, _repr.maxother = 2, 24, 40


def _short(value: object) -> str:
    """A shortened value for messages: lists may be nested a thousand deep, and numbers may have a million digits."""
    try:
        text = _repr.repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
