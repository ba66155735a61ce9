"""HeatmapRequest: the clips and options of a request; and one function per media type that parses its body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from heatsvc.api.heatmap_schemas import Clip, HeatmapOptions
from heatsvc.api.problems import RequestError, validated
from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats import NO_METADATA, Format
from heatsvc.encode.job import PlannedVolume, RenderJob
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip
from heatsvc.pose.plausibility import PlausibilityReport
from heatsvc.pose.readers import (
    NamedBytes,
    NumberArrays,
    ReadOptions,
    Upload,
    broken_json,
    clip_from_json,
    is_annotation,
    may_hold_booleans,
    parse_number_arrays,
    read,
    read_files,
    read_npy,
)
from heatsvc.provenance import metadata

# Maximum clips, and maximum `estimate_work`, of a light request: about half a millisecond each.
_LIGHT_CLIPS = 8
_LIGHT_LOAD = 16 << 10

_LISTS_PER_CLIP = 2  # points and scores

# Longer options are not cached: only ignored parameters of steps make them long.
_MAX_CACHED_BYTES = 4 << 10

_CLIP_KEYS = Clip.model_fields


@dataclass(frozen=True)
class HeatmapRequest:
    """The clips of a request and its options.

    Attributes:
        clips: the clips, in the request's order.
        options: the options of all clips.
    """

    clips: Sequence[PoseClip]
    options: HeatmapOptions

    @cached_property
    def seed(self) -> int | None:
        """Seed of the random steps of the first clip; None if the result does not depend on it."""
        return self.options.built_pipeline.resolve_seed(self.options.seed, test_mode=self.options.test_mode)

    @cached_property
    def report(self) -> PlausibilityReport:
        """The plausibility findings, which `plan` collects."""
        return PlausibilityReport(self.options.plausibility, many=len(self.clips) > 1)

    @property
    def is_light(self) -> bool:
        """Whether the pipeline of a small body takes less time than passing it to a thread.

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

    def plan(
        self,
        format: Format,
        coding: Coding,
        bounds: Bounds,
        token: CancelToken,
        *,
        whole_volumes: bool = False,
        caption_font: str = "",
        kernels: str = "",
    ) -> RenderJob:
        """Run the pipeline on each clip, and plan how its volume is rendered and encoded.

        Args:
            format: the format of the response.
            coding: the content coding of the response.
            bounds: limits of the volumes.
            token: checked between steps; cancels the work.
            whole_volumes: as `RenderJob` takes it.
            caption_font: path of the font of a picture's caption; "" for one that is found.
            kernels: names of the kernels, for the metadata of the body.

        Raises:
            InputError: the pipeline or `select` cannot process a clip, a picture cannot be rendered, `bounds` are
                exceeded, or two clips have the same name.
            CancelledError, DeadlineError: raised by the token.
        """
        options = self.options
        described = options.built_pipeline.describe_volumes(
            self.clips,
            select=options.select,
            missing_points=options.missing_points,
            test_mode=options.test_mode,
            seed=self.seed,
            report=self.report,
            bounds=bounds,
            token=token,
        )
        dense = 0
        volumes: list[PlannedVolume] = []
        for name, volume in zip(clip_names(self.clips), described, strict=True):
            planned = format.plan(
                name,
                volume,
                options.dtype,
                coding,
                bounds,
                token,
                picture=options.picture,
                caption_font=caption_font,
            )
            dense += planned.nbytes
            bounds.check("max_volume_bytes", dense, "bytes of heatmaps")
            volumes.append(planned)
        texts = metadata(kernels, options.built_pipeline.text, self.seed) if format.has_metadata else NO_METADATA
        writer = format.writer(volumes, coding, bounds, texts)
        if self.report:
            writer.warnings = self.report.as_json()
        return RenderJob(writer, token, media_type=format.media_type, whole_volumes=whole_volumes)


def clip_names(clips: Sequence[PoseClip]) -> list[str]:
    """A name for each clip: its frame_dir; without one `imgs`, or its index if there are several clips.

    Raises:
        RequestError: 422, two clips have the same name.
    """
    if len(clips) == 1:
        return [clips[0].frame_dir or "imgs"]
    names: dict[str, int] = {}
    for index, clip in enumerate(clips):
        name = clip.frame_dir or str(index)
        if name in names:
            raise RequestError(
                422,
                f"clips {names[name]} and {index} are both called {name!r:.100}: "
                "each needs a different frame_dir, since it names the clip's tensor",
                field=f"clips[{index}].frame_dir",
            )
        names[name] = index
    return list(names)


def from_json(body: bytes, query: bytes, bounds: Bounds, token: CancelToken = NEVER_CANCELLED) -> HeatmapRequest:
    """Parse a JSON body: ``{keypoint, ..., options}`` or ``{clips: [{keypoint, ...}], options}``.

    Args:
        body: the text.
        query: the query string, which must be empty.
        bounds: limits of the clips.
        token: checked regularly while reading.

    Raises:
        RequestError: 400 for invalid JSON, 422 for unknown keys.
        InputError: a clip cannot be used.
    """
    check_values(body, bounds)
    extracted = parse_number_arrays(body, bounds.max_input_values, _LISTS_PER_CLIP * bounds.max_clips)
    if extracted:
        try:
            request = _request(parse_object(extracted.text, bounds), query, bounds, token, extracted=extracted)
            # An array that no clip has taken was repeated later under the same name, or was not inside a clip.
            if not extracted.arrays:
                return request
        except InputError:
            pass  # the parser of the whole text reports what is wrong
        del extracted
        token.raise_if_cancelled()
    return _request(parse_object(body, bounds), query, bounds, token, may_hold_booleans=may_hold_booleans(body))


def _request(
    document: dict[str, Any],
    query: bytes,
    bounds: Bounds,
    token: CancelToken,
    *,
    extracted: NumberArrays | None = None,
    may_hold_booleans: bool = True,
) -> HeatmapRequest:
    """The request of a parsed body; `extracted` has the arrays of its keypoints, if any."""
    if query:
        raise RequestError(
            422, "with a JSON body, options must be keys of the JSON, not query parameters", field="query"
        )
    if "clips" not in document:
        clip = {}
        for name in _CLIP_KEYS:
            if name in document:
                clip[name] = document.pop(name)
        if "keypoint" not in clip:
            raise RequestError(
                422, 'the body has neither "keypoint" nor "clips": send one clip, or a list of clips', field="keypoint"
            )
        options = options_from(document)
        is_finite = extracted.insert_into(clip) if extracted else False
        made = clip_from_json(
            clip,
            bounds=bounds,
            may_hold_booleans=may_hold_booleans,
            is_finite=is_finite,
            interpretation=options.interpretation,
            token=token,
        )
        return HeatmapRequest((made,), options)
    clips = document.pop("clips")
    if not isinstance(clips, list) or not clips:
        raise RequestError(422, "clips must be a list of at least one clip", field="clips")
    bounds.check("max_clips", len(clips), "clips", field="clips")
    if "keypoint" in document:
        raise RequestError(422, "send keypoint or clips, not both", field="keypoint")
    options = options_from(document)
    all_made = []
    for index, clip in enumerate(clips):
        token.raise_if_cancelled()
        is_finite = extracted.insert_into(clip) if extracted and isinstance(clip, dict) else False
        all_made.append(_clip_of_list(clip, index, options, bounds, may_hold_booleans, is_finite, token))
    return HeatmapRequest(all_made, options)


def _clip_of_list(
    clip: Any,
    index: int,
    options: HeatmapOptions,
    bounds: Bounds,
    may_hold_booleans: bool,
    is_finite: bool,
    token: CancelToken,
) -> PoseClip:
    field = f"clips[{index}]."
    if isinstance(clip, dict) and not clip.keys() <= _CLIP_KEYS.keys():
        strange = next(name for name in clip if name not in _CLIP_KEYS)
        raise RequestError(
            422,
            f"clips[{index}] has an unknown key {strange!r:.60}: a clip has {', '.join(_CLIP_KEYS)}; "
            "options are keys of the outer object",
            field=f"{field}{strange:.60}",
        )
    return clip_from_json(
        clip,
        field=field,
        bounds=bounds,
        may_hold_booleans=may_hold_booleans,
        is_finite=is_finite,
        img_shape=options.img_shape,
        layout=options.layout,
        interpretation=options.interpretation,
        token=token,
    )


def from_npy(body: bytes, query: bytes, bounds: Bounds, token: CancelToken = NEVER_CANCELLED) -> HeatmapRequest:
    """Parse a body that is one .npy array [T, V, 2|3] or [M, T, V, 2|3]; options are query parameters."""
    options = options_from_query(query)
    return HeatmapRequest((read_npy(body, options=read_options(options, bounds, token)),), options)


def from_npz(body: bytes, query: bytes, bounds: Bounds, token: CancelToken = NEVER_CANCELLED) -> HeatmapRequest:
    """Parse a body that is one .npz with `keypoint` and other keys of a clip; options are query parameters."""
    options = options_from_query(query)
    return HeatmapRequest(read(body, options=read_options(options, bounds, token)), options)


def from_files(
    files: Sequence[NamedBytes],
    options_text: bytes,
    query: bytes,
    bounds: Bounds,
    token: CancelToken = NEVER_CANCELLED,
) -> HeatmapRequest:
    """Parse a form: files of any format that `pose` reads, and an `options` part.

    Frame files of one clip are joined.

    Raises:
        RequestError: 422, there is no file, or options are both in the form and in the query.
    """
    if not files:
        raise RequestError(422, 'the form has no part named "file": send at least one file of keypoints', field="file")
    if options_text and query:
        raise RequestError(422, "send options in the form or in the query, not in both", field="options")
    options = options_from(parse_object(options_text, bounds)) if options_text else options_from_query(query)
    clips = read_files(files, read_options(options, bounds, token), "", field="file")
    # The reader of a pickle has already chosen among its clips, also by `filename`.
    if options.frame_dirs is not None and len(clips) > 1 and not is_annotation(Upload(files[0].data)):
        clips = _choose(clips, options.frame_dirs)
    return HeatmapRequest(clips, options)


def _choose(clips: Sequence[PoseClip], frame_dirs: Sequence[str]) -> list[PoseClip]:
    """The clips with these names, in this order.

    Raises:
        RequestError: 422, no clip has such a name.
    """
    by_name: dict[str, PoseClip] = {}
    for clip in clips:
        by_name.setdefault(clip.frame_dir, clip)
    for name in frame_dirs:
        if name not in by_name:
            known = ", ".join(f"{each!r:.60}" for each in list(by_name)[:3])
            raise RequestError(
                422, f"no clip is called {name!r:.100}; there are {len(by_name):,}, such as {known}", field="frame_dir"
            )
    return [by_name[name] for name in frame_dirs]


def options_from(given: Mapping[str, Any]) -> HeatmapOptions:
    """Options from JSON values. Short ones are cached.

    Raises:
        RequestError: 422, an unknown option, for which the message lists the known ones, or an invalid value.
    """
    try:
        text = orjson.dumps(given)
    except TypeError:  # nested more deeply than orjson can write
        return validated(HeatmapOptions, given)
    return _from_json(text) if len(text) <= _MAX_CACHED_BYTES else validated(HeatmapOptions, given)


@lru_cache(maxsize=128)
def _from_json(text: bytes) -> HeatmapOptions:
    return validated(HeatmapOptions, orjson.loads(text))


def options_from_query(query: bytes) -> HeatmapOptions:
    """Options from a query string: `picture` as JSON, lists as JSON or separated by commas. Short ones are cached.

    Raises:
        RequestError: an option is repeated; and what `options_from` raises.
    """
    return _from_query(query) if len(query) <= _MAX_CACHED_BYTES else _from_query.__wrapped__(query)


@lru_cache(maxsize=128)
def _from_query(query: bytes) -> HeatmapOptions:
    given: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=64)
    except ValueError:
        raise RequestError(422, "the query is not text in UTF-8, or has more than 64 fields") from None
    for name, text in pairs:
        if name in given:
            raise RequestError(422, f"{name!r:.60} is given twice", field=name[:60])
        given[name] = _from_text(name, text)
    return options_from(given)


def _from_text(name: str, text: str) -> Any:
    """The JSON value of an option in a query."""
    if text.startswith("[") or name in ("seed", "test_mode", "picture"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    if name == "img_shape" or (name == "select" and text[:1].isdigit()):
        try:
            return [int(part) for part in text.split(",")]
        except ValueError:
            return text
    return text


def read_options(options: HeatmapOptions, bounds: Bounds, token: CancelToken = NEVER_CANCELLED) -> ReadOptions:
    """The options for reading clips and files."""
    return ReadOptions(
        img_shape=options.img_shape,
        layout=options.layout,
        frame_dirs=options.frame_dirs,
        interpretation=options.interpretation,
        bounds=bounds,
        token=token,
    )


def check_values(text: bytes, bounds: Bounds) -> None:
    """Count the values of a JSON text before it is parsed; a text of no more bytes than the limit is not counted.

    Raises:
        LimitError: more than `max_input_values`.
    """
    if len(text) > bounds.max_input_values:
        bounds.check("max_input_values", text.count(b",") + 1, "JSON values")
        bounds.check("max_input_values", text.count(b"[") + text.count(b"{"), "JSON lists and objects")


def parse_object(text: bytes, bounds: Bounds) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RequestError: 400, the JSON is invalid, or not an object.
        LimitError: more values than `max_input_values`.
    """
    check_values(text, bounds)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, broken_json(error)) from None
    if not isinstance(document, dict):
        raise RequestError(400, f"the JSON must be an object, {{...}}, not a {type(document).__name__}")
    return document


BODIES: dict[str, Callable[[bytes, bytes, Bounds, CancelToken], HeatmapRequest]] = {
    "application/json": from_json,
    "application/x-npy": from_npy,
    "application/x-npz": from_npz,
}
FORM = "multipart/form-data"


def working_bytes(media_type: str, size: int, bounds: Bounds) -> int:
    """Maximum memory for reading a body.

    A JSON value of two characters becomes a Python object of up to 32 bytes and a reference to it, then a float64 and
    a float32. A file in an archive or a form is unpacked and converted to float32.

    Args:
        media_type: the body's media type.
        size: its size in bytes.
        bounds: limits for reading it.
    """
    if media_type == "application/json":
        return min(28 * size, 56 * bounds.max_input_values)
    if media_type == "application/x-npy":
        return 4 * size
    return 2 * min(bounds.max_archive_ratio * size, bounds.max_unpacked_bytes)
