"""The response of POST /clips: the clips of an upload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from heatsvc.api.request import HeatmapRequest, from_files, options_from, options_from_query, parse_object, read_options
from heatsvc.api.routes.layouts import describe_layout
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.pipeline.steps.step import MAX_SEED
from heatsvc.pose import Layout
from heatsvc.pose.plausibility import PlausibilityReport
from heatsvc.pose.readers import AnnotationHeader, NamedBytes, Upload, is_annotation, read_headers
from heatsvc.pose.select import select_points
from heatsvc.render.picture_colors import BodyPart, channel_parts
from heatsvc.volume import HeatmapVolume

Float32 = npt.NDArray[np.float32]


def headers_or_clips(
    files: Sequence[NamedBytes], options_text: bytes, query: bytes, bounds: Bounds, token: CancelToken
) -> HeatmapRequest | list[AnnotationHeader]:
    """The headers of the clips of an annotation pickle, if it has several and none is chosen; else as `from_files`.

    Raises:
        InputError: as `from_files`.
    """
    if len(files) == 1 and is_annotation(Upload(files[0].data)):
        options = options_from(parse_object(options_text, bounds)) if options_text else options_from_query(query)
        if options.frame_dirs is None:
            reading = read_options(options, bounds, token)
            headers = read_headers(Upload(files[0].data, files[0].name, reading))
            if len(headers) > 1:
                return headers
    return from_files(files, options_text, query, bounds, token)


def describe_headers(headers: Sequence[AnnotationHeader]) -> bytes:
    """A `ClipList` of clips that were not read, as JSON."""
    clips = [
        {
            "frame_dir": header.frame_dir,
            "label": header.label,
            "persons": header.persons,
            "frames": header.frames,
            "points": header.points,
        }
        for header in headers
    ]
    return orjson.dumps({"clips": clips, "layouts": []})


def describe_clips(request: HeatmapRequest, bounds: Bounds, token: CancelToken) -> bytes:
    """A `ClipList` as JSON, with the points of the chosen clips, or of the only clip unless it has too many points.

    Args:
        request: clips and options. Impossible numbers are listed among the findings and do not raise.
        bounds: `max_json_values` limits the number of points.
        token: checked before each clip.

    Raises:
        InputError: `select` or the pipeline cannot process a clip; or there are too many points for JSON.
    """
    options, layouts = request.options, _Layouts()
    are_chosen = options.frame_dir is not None or len(request.clips) == 1
    described = []
    values = 0
    for index, clip in enumerate(request.clips):
        token.raise_if_cancelled()
        selected = clip
        if options.select is not None:
            selected = select_points(clip, options.select, bounds, missing_points=options.missing_points)
        report = PlausibilityReport("ignore" if options.plausibility == "ignore" else "warn")
        info: dict[str, Any] = {
            "frame_dir": clip.frame_dir,
            "label": clip.label,
            "persons": None if clip.compressed else clip.persons,
            "frames": clip.compressed.total_frames if clip.compressed else clip.frames,
            "points": clip.points,
            "img_shape": clip.img_shape,
            "layout": layouts.index(clip.layout),
            "findings": [finding.as_dict() for finding in report.judge(selected, clip)],
        }
        if are_chosen:
            seed = None if request.seed is None else (request.seed + index) % (MAX_SEED + 1)
            volume = options.built_pipeline.run(selected, test_mode=options.test_mode, seed=seed, bounds=bounds)
            values += 3 * (selected.keypoint_score.size + volume.copies * volume.keypoint_score.size)
            if options.frame_dir is not None:
                what = "numbers of keypoints for JSON (select fewer points)"
                bounds.check("max_json_values", values, what, field="select")
            if values <= bounds.max_json_values:
                info["selected_layout"] = layouts.index(selected.layout)
                info["source"] = {"keypoint": selected.keypoint, "keypoint_score": selected.keypoint_score}
                info["rendered"] = _rendered(volume, selected.layout)
        described.append(info)
    document = {"clips": described, "layouts": [each.model_dump() for each in layouts.described]}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


class _Layouts:
    """A list of layouts, each once."""

    def __init__(self) -> None:
        self._positions: dict[Layout, int] = {}

    def index(self, layout: Layout | None) -> int | None:
        """The index of a layout, which is appended if it is new."""
        return None if layout is None else self._positions.setdefault(layout, len(self._positions))

    @property
    def described(self) -> list[Any]:
        """The layouts in the form of the response."""
        return [describe_layout(layout) for layout in self._positions]


def _part(name: str, part: BodyPart) -> dict[str, Any]:
    return {"name": name, "part": part.part, "side": part.side, "color": part.color}


def _rendered(volume: HeatmapVolume, layout: Layout | None) -> dict[str, Any]:
    """Points of all frames of a volume; those of its mirrored copy follow."""
    keypoint = volume.keypoint.astype(np.float32, order="C")
    score = volume.keypoint_score
    frames = np.arange(volume.frames) if volume.source_frames is None else volume.source_frames
    if volume.double:
        mirror = volume.mirror[: keypoint.shape[2]] if volume.with_kp else np.array(layout.mirror if layout else [])
        order = mirror if mirror.size else np.arange(keypoint.shape[2])
        mirrored = keypoint[:, :, order]
        mirrored[..., 0] = volume.width - 1 - mirrored[..., 0]
        keypoint, score = np.concatenate((keypoint, mirrored), 1), np.concatenate((score, score[:, :, order]), 1)
        frames = np.concatenate((frames, frames))
    skeleton = volume.skeleton or tuple((a, b) for a, b in volume.limbs.tolist())
    of_points = channel_parts(volume.points, volume.keypoint.shape[2], skeleton, with_kp=True)
    names = volume.points or tuple(map(str, range(volume.keypoint.shape[2])))
    if volume.potion:
        channels = [_part(str(index), BodyPart("body", "")) for index in range(volume.shape[-1])]
    else:
        limbs = [(a, b) for a, b in volume.limbs.tolist()]
        parts = channel_parts(volume.points, volume.keypoint.shape[2], limbs, volume.with_kp)
        channels = [_part(name, part) for name, part in zip(volume.channel_names, parts, strict=True)]
    return {
        "channels": channels,
        "points": [_part(name, part) for name, part in zip(names, of_points, strict=False)],
        "skeleton": [
            {"ends": ends, "color": part.color} for ends, part in zip(skeleton, of_points[len(names) :], strict=True)
        ],
        "keypoint": np.ascontiguousarray(keypoint),
        "keypoint_score": np.ascontiguousarray(score),
        "frame_inds": frames,
        "shape": volume.shape,
        "height": volume.height,
        "width": volume.width,
        "with_kp": volume.with_kp,
        "limbs": np.ascontiguousarray(volume.limbs),
    }
