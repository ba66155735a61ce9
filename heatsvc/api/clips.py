"""Bodies: what a request sent, as clips and options. One function a media type, one table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from heatsvc.api.options import OPTIONS, HeatmapOptions, options_from, options_from_query
from heatsvc.api.problems import RequestError
from heatsvc.bounds import Bounds, go_on
from heatsvc.check_token import CheckToken
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip
from heatsvc.pose.readers import (
    NumberArrays,
    ReadOptions,
    clip_from_json,
    may_hold_booleans,
    parse_number_arrays,
    read,
    read_npy,
)

# Either is about two milliseconds of work.
_LIGHT_CLIPS = 16
_LIGHT_LOAD = 64 << 10

_LISTS_A_CLIP = 2  # of points, of scores

CLIP_KEYS = ("keypoint", "keypoint_score", "img_shape", "layout", "frame_dir", "label")


@dataclass(frozen=True, slots=True)
class Asked:
    """Clips, and what is to become of them."""

    clips: Sequence[PoseClip]
    options: HeatmapOptions

    @property
    def is_light(self) -> bool:
        """Whether the pipeline has so little to do, of a small body, that handing it to a thread would take longer.

        Raises:
            PipelineError: as `HeatmapOptions.built_pipeline`.
        """
        if len(self.clips) > _LIGHT_CLIPS:
            return False
        pipeline, select = self.options.built_pipeline, self.options.select
        chosen = len(select) if isinstance(select, list) else 0
        load = 0
        for clip in self.clips:
            load += pipeline.estimate_work(clip, chosen or clip.keypoint.shape[2])
        return load <= _LIGHT_LOAD


@dataclass(frozen=True, slots=True)
class File:
    """One uploaded file."""

    name: str
    data: bytes


def from_json(body: bytes, query: bytes, bounds: Bounds, check: Callable[[], None] = go_on) -> Asked:
    """``{keypoint, ..., options}`` for one clip, ``{clips: [{keypoint, ...}], options}`` for many.

    Args:
        check: called now and then, here as in all that follow; raises what should end the reading.

    Raises:
        RequestError: 400 for broken JSON, 422 for keys that do not exist.
        InputError: a clip cannot be used.
    """
    if len(body) > bounds.max_input_values:
        check_values(body, bounds)
    extracted = parse_number_arrays(body, bounds.max_input_values, _LISTS_A_CLIP * bounds.max_clips)
    if extracted:
        try:
            asked = _asked(parse_object(extracted.text, bounds), query, bounds, check, extracted=extracted)
            # An array that is left was no clip's: another one of the same name came after it, or it stood elsewhere.
            if not extracted.arrays:
                return asked
        except InputError:
            pass  # whatever is wrong is told by those who have the whole text before them
        del extracted
        check()
    return _asked(parse_object(body, bounds), query, bounds, check, booleans=may_hold_booleans(body))


def _asked(
    document: dict[str, Any],
    query: bytes,
    bounds: Bounds,
    check: Callable[[], None],
    *,
    extracted: NumberArrays | None = None,
    booleans: bool = True,
) -> Asked:
    """What a parsed body asks for; `extracted` has the arrays of its keypoints, if any."""
    if query:
        raise RequestError(422, "with a JSON body the options stand in the JSON, not in the query", field="query")
    if "clips" not in document:
        clip = {}
        for name in CLIP_KEYS:
            if name in document:
                clip[name] = document.pop(name)
        if "keypoint" not in clip:
            raise RequestError(
                422, 'the body has neither "keypoint" nor "clips": give one clip, or a list of them', field="keypoint"
            )
        options = options_from(document)
        is_finite = extracted.insert_into(clip) if extracted else False
        made = clip_from_json(
            clip, bounds=bounds, may_hold_booleans=booleans, is_finite=is_finite, token=CheckToken(check)
        )
        return Asked((made,), options)
    clips = document.pop("clips")
    if not isinstance(clips, list) or not clips:
        raise RequestError(422, "clips must be a list of at least one clip", field="clips")
    bounds.check("max_clips", len(clips), "clips", field="clips")
    if "keypoint" in document:
        raise RequestError(422, "give keypoint or clips, not both", field="keypoint")
    options = options_from(document)
    all_made = []
    for place, clip in enumerate(clips):
        check()
        is_finite = extracted.insert_into(clip) if extracted and isinstance(clip, dict) else False
        all_made.append(_one_of_many(clip, place, options, bounds, booleans, is_finite, check))
    return Asked(all_made, options)


def _one_of_many(
    clip: Any,
    place: int,
    options: HeatmapOptions,
    bounds: Bounds,
    booleans: bool,
    is_finite: bool,
    check: Callable[[], None],
) -> PoseClip:
    field = f"clips[{place}]"
    if isinstance(clip, Mapping):
        strange = [name for name in clip if name not in CLIP_KEYS]
        if strange:
            raise RequestError(
                422,
                f"{field} has no {strange[0]!r:.60}: a clip has {', '.join(CLIP_KEYS)}; options stand beside clips",
                field=f"{field}.{strange[0]:.60}",
            )
    return clip_from_json(
        clip,
        field=f"{field}.",
        bounds=bounds,
        may_hold_booleans=booleans,
        is_finite=is_finite,
        img_shape=options.img_shape,
        layout=options.layout,
        token=CheckToken(check),
    )


def from_npy(body: bytes, query: bytes, bounds: Bounds, check: Callable[[], None] = go_on) -> Asked:
    """One .npy array [T, V, 2|3] or [M, T, V, 2|3]; options in the query."""
    options = options_from_query(query)
    return Asked((read_npy(body, options=read_options(options, bounds, check)),), options)


def from_npz(body: bytes, query: bytes, bounds: Bounds, check: Callable[[], None] = go_on) -> Asked:
    """One .npz with `keypoint` and what else a clip has; options in the query."""
    options = options_from_query(query)
    return Asked(read(body, options=read_options(options, bounds, check)), options)


def from_files(
    files: Sequence[File], options_text: bytes, query: bytes, bounds: Bounds, check: Callable[[], None] = go_on
) -> Asked:
    """The parts of a form: files of any format that `pose` reads, and an `options` part.

    Raises:
        RequestError: 422, no file, or options both in the form and in the query.
    """
    if not files:
        raise RequestError(422, 'the form has no part named "file": give at least one file of keypoints', field="file")
    if options_text and query:
        raise RequestError(422, "give options in the form or in the query, not in both", field="options")
    options = options_from(parse_object(options_text, bounds)) if options_text else options_from_query(query)
    reading = read_options(options, bounds, check)
    clips: list[PoseClip] = []
    size = 0
    for file in files:
        check()
        found = read(file.data, filename=file.name, options=reading)
        # Each file is held to this bound; many small ones that unpack to much are, too.
        size += sum(clip.nbytes for clip in found)
        bounds.check("max_unpacked_bytes", size, "bytes of keypoints", field="file", file=file.name)
        clips += found
        bounds.check("max_clips", len(clips), "clips", field="file", file=file.name)
    return Asked(clips, options)


def read_options(options: HeatmapOptions, bounds: Bounds, check: Callable[[], None] = go_on) -> ReadOptions:
    """What the readers of files are told."""
    return ReadOptions(
        img_shape=options.img_shape,
        layout=options.layout,
        frame_dirs=options.frame_dirs,
        bounds=bounds,
        token=CheckToken(check),
    )


def check_values(text: bytes, bounds: Bounds) -> None:
    """Count JSON's values before anything is made of them; every one has a byte, so a short text needs no look.

    Raises:
        LimitError: more than `max_input_values`.
    """
    bounds.check("max_input_values", text.count(b",") + 1, "JSON values")
    bounds.check("max_input_values", text.count(b"[") + text.count(b"{"), "JSON lists and objects")


def parse_object(text: bytes, bounds: Bounds) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RequestError: 400, broken, or no object.
        LimitError: more values than `max_input_values`.
    """
    if len(text) > bounds.max_input_values:
        check_values(text, bounds)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the JSON is broken: {error}") from None
    if not isinstance(document, dict):
        raise RequestError(400, f"the JSON must be an object, {{...}}, not a {type(document).__name__}")
    return document


BODIES: dict[str, Callable[[bytes, bytes, Bounds, Callable[[], None]], Asked]] = {
    "application/json": from_json,
    "application/x-npy": from_npy,
    "application/x-npz": from_npz,
}
FORM = "multipart/form-data"

__all__ = ["BODIES", "FORM", "OPTIONS", "Asked", "File", "from_files"]
