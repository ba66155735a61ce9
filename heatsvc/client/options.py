"""The options of requests as keyword arguments, as in docs/reference/options.md and docs/reference/datasets.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import orjson

Values = Sequence[str | int] | str | int
"""Values of a column: one, several, or conditions such as ``">10"``."""


class HeatmapOptions(TypedDict, total=False):
    """Options of `POST /heatmap`. An option that is not given, or is None, has the service's default.

    Attributes:
        pipeline: a preset's name, or a list of steps in PYSKL's form.
        reduce: ``max``: the largest value of each pixel over the channels; ``argmax``: the channel that has it, int16.
        select: a layout, whose keypoints are taken by name; or indices of keypoints.
        missing_points: what happens to keypoints of the layout `select` that a clip does not have. ``missing``: they
            are not detected, with a warning; ``error``: an error.
        dtype: of the volume; uint8 is value * 255, rounded.
        compression: ``fast`` for a near service, ``small`` for a far one.
        test_mode: deterministic, as PYSKL tests. False: random steps sample with `seed`.
        seed: 0 to 2**32 - 1; clip i of a sequence samples with seed + i.
        layout: what the keypoints are; by default inferred from names or their number.
        img_shape: (height, width) of the video frame in pixels, for clips that do not say it themselves.
        frame_dir: which clips of the files, by name.
        coordinates: ``normalized`` for x and y of 0..1 of the frame.
        project: ``xy`` where the third number of a keypoint is a depth, and not the score.
        plausibility: impossible numbers are errors; ``warn``: warnings; ``ignore``: nothing is checked.
        picture: how `picture` shows a volume.
    """

    pipeline: str | Sequence[Mapping[str, Any]] | None
    reduce: Literal["none", "max", "argmax"] | None
    select: str | Sequence[int] | None
    missing_points: Literal["missing", "error"] | None
    dtype: Literal["float32", "float16", "uint8"] | None
    compression: Literal["fast", "small"] | None
    test_mode: bool | None
    seed: int | None
    layout: str | None
    img_shape: Sequence[int] | None
    frame_dir: str | Sequence[str] | None
    coordinates: Literal["pixels", "normalized"] | None
    project: Literal["xy"] | None
    plausibility: Literal["error", "warn", "ignore"] | None
    picture: Mapping[str, Any] | None


class AnnotationOptions(TypedDict, total=False):
    """Options of `POST /annotation`, without `labels` and `split`, which are names of files in `annotate`.

    An option that is not given has the service's default. None is sent as null, which means all keypoints for `select`.
    """

    select: str | Sequence[int] | None
    missing_points: Literal["missing", "error"]
    dtype: Literal["float16", "float32"]
    img_shape: Sequence[int] | None
    layout: str | None
    coordinates: Literal["pixels", "normalized"]
    project: Literal["xy"] | None
    plausibility: Literal["error", "warn", "ignore"]
    missing: Literal["zeros", "drop", "error"]
    faulty: Literal["error", "drop", "zeros"]
    types: Values | None
    views: Values | None
    signers: Values | None
    years: Values | None
    columns: Mapping[str, str]
    file_suffix: str | None
    name_pattern: str | None
    frame_range: Literal["report", "apply", "ignore"]
    encoding: str | None
    split_policy: Literal["error", "drop", "first"]
    dataset: str | None


def to_json(value: Any) -> bytes:
    """Write options or clips as JSON. They may have NumPy arrays and numbers.

    Raises:
        TypeError: a value cannot be written as JSON.
    """
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def as_query(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as query parameters: texts as they are, the rest as JSON."""
    return {name: value if isinstance(value, str) else to_json(value).decode() for name, value in options.items()}
