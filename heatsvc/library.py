"""The Python library: `draw` and `read` do what `POST /heatmap` does, without HTTP."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import PICTURES
from heatsvc.encode.job import RenderJob
from heatsvc.errors import InputError
from heatsvc.kernels import KERNELS
from heatsvc.pipeline import DEFAULT_PRESET, PipelineSpec, parse_pipeline
from heatsvc.pipeline.errors import explain_invalid
from heatsvc.pose import PoseClip, PoseError
from heatsvc.pose.findings import PlausibilityMode, check_interpretation
from heatsvc.pose.plausibility import PlausibilityReport
from heatsvc.pose.readers import ReadOptions, clip_from_json
from heatsvc.pose.readers import read as read_bytes
from heatsvc.pose.readers.folder import read_folder
from heatsvc.pose.readers.json_clip import CLIP_KEYS, UNUSED_KEYS
from heatsvc.pose.select import MissingPoints
from heatsvc.provenance import metadata
from heatsvc.render.array import render_array
from heatsvc.render.cpu import DType as RenderDType
from heatsvc.render.picture_options import PictureOptions
from heatsvc.render.tensors import render_tensors
from heatsvc.volume import HeatmapVolume, Reduce

if TYPE_CHECKING:
    import torch

__all__ = ["ClipLike", "DType", "draw", "read", "render_dtype"]

ClipLike = PoseClip | Mapping[str, Any] | npt.NDArray[Any] | str | os.PathLike[str]
"""A clip as `heatsvc.draw` accepts it."""


DType = Literal["float32", "float16", "uint8"]
"""Data types of a volume that can be requested."""

PictureKind = Literal["png", "gif", "webp", "mp4"]
"""File formats of pictures and videos."""


def draw(
    clips: ClipLike | Sequence[ClipLike],
    pipeline: PipelineSpec = DEFAULT_PRESET,
    *,
    select: str | Sequence[int] | None = None,
    missing_points: MissingPoints = "missing",
    dtype: DType = "float32",
    reduce: Reduce = "none",
    test_mode: bool = True,
    seed: int | None = None,
    img_shape: Sequence[int] | None = None,
    layout: str | None = None,
    coordinates: Literal["pixels", "normalized"] = "pixels",
    project: Literal["xy"] | None = None,
    plausibility: PlausibilityMode = "error",
    device: str | torch.device | None = None,
    out: npt.NDArray[Any] | Sequence[npt.NDArray[Any]] | None = None,
    format: PictureKind | None = None,
    picture: Mapping[str, Any] | None = None,
    caption_font: str | os.PathLike[str] = "",
    bounds: Bounds = DEFAULT_BOUNDS,
) -> Any:
    """Render clips as `POST /heatmap` does, with the same option names and bit-identical results.

    Args:
        clips: a clip, or a sequence of clips: a `PoseClip`; a mapping ``{keypoint, keypoint_score?, img_shape, layout?,
            frame_dir?}`` of arrays or lists; an array [M, T, V, 2|3], [T, V, 2|3] or [V, 2|3]; or a file's path.
        pipeline: a preset's name, a list of steps pasted from a PYSKL or MMAction2 config, or a `Pipeline`.
        select: the keypoints to render: a layout, whose keypoints are found by name, or indices.
        missing_points: what to do if a clip lacks keypoints of that layout. ``missing`` treats them as not detected,
            with a `PlausibilityWarning`; ``error`` raises a LayoutError.
        dtype: float32, float16 or uint8 (value * 255, rounded).
        reduce: ``max`` for each pixel's largest value over the channels, ``argmax`` for the channel that has it, int16.
        test_mode: deterministic, as PYSKL tests. False: random steps sample with `seed`, those of clip i with seed + i.
        seed: 0 to 2**32 - 1; None: a random seed.
        img_shape: (height, width) in pixels, for clips that do not say it themselves.
        layout: what the points are, for clips that do not say it themselves.
        coordinates: ``normalized`` for x and y of 0..1 of the frame, which are multiplied by img_shape.
        project: ``xy`` for keypoints [.., 3] whose third number is a depth: it is dropped. Otherwise it is the score.
        plausibility: impossible numbers are errors; ``warn``: only a `PlausibilityWarning`, as doubtful ones
            always are; ``ignore``: they are not looked for. A `PoseClip` is taken as it is, but its points are judged.
        device: None for NumPy arrays; ``cpu``, ``cuda``, ``cuda:1`` or a `torch.device` for tensors on it.
        out: an array to render into, C-contiguous, of the result's shape and type; for a sequence of clips, as many
            arrays. Rendering into memory that was used before is several times faster than into new memory.
        format: ``png``, ``gif``, ``webp`` or ``mp4`` to return the bytes of such a file instead of an array.
        picture: options of such a file, as in `POST /heatmap`: ``{"mode": "joint", "skeleton": True}``.
        caption_font: path of the font for a caption; "" chooses one.
        bounds: limits of clips, volumes and pictures.

    Returns:
        An array for one clip, a list of arrays for a sequence. Its shape depends on the pipeline: [T, K, H, W] for
        ``view``, [clips, K, T, H, W] with FormatShape. K is the number of keypoints (V), limbs, or both. With `format`,
        bytes instead of an array.

    Raises:
        OSError: a file cannot be opened.
        InputError: a clip, the pipeline or an option cannot be used; `field` says which: ``clips[3].keypoint``. For
            impossible numbers it is an `ImplausibleError`.
        ValueError: `out` has a wrong shape, type or length, or two of `out`, `device` and `format` are given.
        ModuleNotFoundError: `device` is given, but PyTorch is not installed.
        DeviceError: the device does not exist or cannot render; argmax and PoTion are rendered on the CPU only.
    """
    KERNELS.warn_if_missing()
    one = isinstance(clips, PoseClip | Mapping | np.ndarray | str | os.PathLike)
    given: Sequence[ClipLike] = [clips] if one else clips  # type: ignore[assignment, list-item]
    rendered_dtype = render_dtype(dtype, reduce)
    if format is not None or picture is not None:
        if device is not None or out is not None:
            raise ValueError(
                "`format` cannot be combined with `device` or `out`: a picture is rendered on the CPU, into bytes"
            )
        options_of_picture = _picture_options(format, picture)
    options = ReadOptions(img_shape, layout, None, check_interpretation(coordinates, project, plausibility), bounds)
    report = PlausibilityReport(plausibility, many=not one)
    parsed = parse_pipeline(pipeline, reduce=reduce)
    seed = parsed.resolve_seed(seed, test_mode=test_mode)
    volumes = parsed.describe_volumes(
        (_as_clip(clip, options, field="" if one else f"clips[{index}].") for index, clip in enumerate(given)),
        select=select,
        missing_points=missing_points,
        test_mode=test_mode,
        seed=seed,
        report=report,
        bounds=bounds,
    )
    report.warn(stacklevel=2)
    if format is not None:
        texts = metadata(KERNELS.name, parsed.text, seed)
        files = [_written(volume, format, options_of_picture, str(caption_font), bounds, texts) for volume in volumes]
        return files[0] if one else files
    if device is not None and out is not None:
        raise ValueError("`out` cannot be combined with `device`: it must be an array on the CPU")
    if device is None:
        outs: Any = [None] * len(volumes) if out is None else [out] if one else out
        if len(outs) != len(volumes):
            raise ValueError(f"out has {len(outs)} arrays for {len(volumes)} clips: it needs one per clip")
        rendered: Sequence[Any] = [
            render_array(volume, rendered_dtype, out=into) for volume, into in zip(volumes, outs, strict=True)
        ]
    else:
        rendered = render_tensors(volumes, rendered_dtype, device, bounds)
    return rendered[0] if one else list(rendered)


def read(
    source: str | os.PathLike[str] | bytes,
    *,
    img_shape: Sequence[int] | None = None,
    layout: str | None = None,
    frame_dir: str | Sequence[str] | None = None,
    coordinates: Literal["pixels", "normalized"] = "pixels",
    project: Literal["xy"] | None = None,
    plausibility: PlausibilityMode = "error",
    bounds: Bounds = DEFAULT_BOUNDS,
) -> list[PoseClip]:
    """Read the clips of a file of any format that `POST /heatmap` reads. The format is recognized by its content.

    Args:
        source: a path, or the file's bytes; or the path of a folder, of which all keypoint files are read, in the order
            of their names, frame files as one clip. Links are followed within the folder. What may hold keypoints and
            is left out is warned of.
        img_shape: (height, width) in pixels, for files that carry none (`.npy`, OpenPose, MMPose).
        layout: what the points are, by name, where it cannot be inferred from their number.
        frame_dir: which clips of an annotation pickle, in this order; None for all.
        coordinates: as of `draw`.
        project: as of `draw`.
        plausibility: as of `draw`; but impossible points are only warned of here, and points outside of the frame not
            at all: perhaps they are not selected afterwards.
        bounds: how large a file may be; `dataclasses.replace(heatsvc.bounds.DEFAULT_BOUNDS, max_clips=...)` for
            larger ones.

    Returns:
        One clip or more, each float32 [M, T, V, 2] with scores [M, T, V].

    Raises:
        OSError: the file cannot be opened.
        InputError: the file cannot be read as keypoints, or exceeds `bounds`; it has the file, field and frame.
    """
    frame_dirs = [frame_dir] if isinstance(frame_dir, str) else frame_dir
    interpretation = check_interpretation(coordinates, project, plausibility)
    options = ReadOptions(img_shape, layout, frame_dirs, interpretation, bounds)
    if isinstance(source, bytes | bytearray | memoryview):
        clips = read_bytes(bytes(source), options=options)
    elif Path(source).is_dir():
        # Resolved, since "." has no name.
        found = read_folder(Path(source).resolve(), options)
        clips = found.clips
        for text in found.left_out:
            warnings.warn(text, stacklevel=2)
    else:
        clips = read_bytes(Path(source).read_bytes(), filename=Path(source).name, options=options)
    # Only warn: the points may not be selected. An error is raised when they are rendered.
    report = PlausibilityReport("warn" if plausibility == "error" else plausibility, many=len(clips) > 1)
    for index, clip in enumerate(clips):
        report.judge(clip, index=index)
    report.clips.pop("points_outside", None)
    report.warn(stacklevel=2)
    return clips


def _picture_options(format: str | None, picture: Mapping[str, Any] | None) -> PictureOptions:
    """The options of a picture.

    Raises:
        InputError: the format or an option does not exist.
    """
    if format not in get_args(PictureKind):
        raise InputError(
            f"format must be one of {', '.join(get_args(PictureKind))}, not {format!r:.40}", field="format"
        )
    given = dict(picture or {})
    try:
        return PictureOptions.model_validate(given)
    except ValidationError as error:
        name, detail = explain_invalid(error, PictureOptions, given)
        raise InputError(f"picture: {detail}", field=f"picture.{name}") from None


def _written(
    volume: HeatmapVolume,
    format: PictureKind,
    options: PictureOptions,
    caption_font: str,
    bounds: Bounds,
    texts: Mapping[str, str],
) -> bytes:
    """The bytes of a picture or video of a volume."""
    written, coding = PICTURES[format], CODINGS["identity"]
    planned = written.plan("imgs", volume, "uint8", coding, bounds, picture=options, caption_font=caption_font)
    return RenderJob(written.writer((planned,), coding, bounds, texts)).render()


def _as_clip(clip: ClipLike, options: ReadOptions, *, field: str) -> PoseClip:
    """Convert a clip to a PoseClip.

    Args:
        clip: a PoseClip, which is returned unchanged; a mapping ``{keypoint, keypoint_score?, img_shape, layout?,
            frame_dir?, label?}`` of arrays or lists, such as an annotation of PYSKL; an array [M, T, V, 2|3],
            [T, V, 2|3] or [V, 2|3]; or the path of a file with one clip.
        options: the properties that the clip does not specify, the interpretation of its numbers, and the bounds.
        field: the prefix of fields in messages, ``clips[3].`` if there are several clips.

    Raises:
        OSError: the file cannot be opened.
        InputError: the clip cannot be used.
    """
    match clip:
        case PoseClip():
            return clip
        case str() | os.PathLike():
            return _only_clip(read_bytes(Path(clip).read_bytes(), filename=Path(clip).name, options=options), clip)
        case np.ndarray() | Mapping():
            mapping = clip if isinstance(clip, Mapping) else {"keypoint": clip}
            return _from_mapping(mapping, options, field)
    where = field.rstrip(".") or "a clip"
    raise TypeError(f"{where} must be a PoseClip, a mapping with keypoint, an array or a path, not {type(clip)}")


def _only_clip(clips: list[PoseClip], path: str | os.PathLike[str]) -> PoseClip:
    if len(clips) != 1:
        raise PoseError(
            f"the file has {len(clips):,} clips: use draw(read(path)) to render them all, "
            "or read(path, frame_dir=...) to choose some",
            file=os.path.basename(path),
        )
    return clips[0]


def _from_mapping(clip: Mapping[str, Any], options: ReadOptions, field: str) -> PoseClip:
    strange = [str(key) for key in clip if key not in (*CLIP_KEYS, *UNUSED_KEYS)]
    if strange:
        raise PoseError(
            f"a clip has an unknown key {strange[0]!r:.60}: it can have {', '.join(CLIP_KEYS)}; ignored keys are "
            f"{', '.join(UNUSED_KEYS)}",
            field=f"{field}{strange[0]:.60}",
        )
    # Arrays of NumPy, including masked ones, and of other libraries are kept; lists are read as in a request, with
    # `None` for NaN.
    arrays = {key: np.asanyarray(clip[key]) for key in CLIP_KEYS[:2] if hasattr(clip.get(key), "__array__")}
    named = {"layout": clip.get("layout") or None}
    return clip_from_json(
        {**clip, **named, **arrays},
        field=field,
        bounds=options.bounds,
        img_shape=options.img_shape,
        layout=options.layout,
        interpretation=options.interpretation,
    )


def render_dtype(dtype: str, reduce: Reduce) -> RenderDType:
    """The data type to render: int16 for a volume reduced by argmax, else the requested type.

    Raises:
        InputError: the requested type is not supported.
    """
    for known in get_args(DType):
        if dtype == known:
            return "int16" if reduce == "argmax" else known
    raise InputError(f"dtype must be one of {', '.join(get_args(DType))}, not {dtype!r:.40}", field="dtype")
