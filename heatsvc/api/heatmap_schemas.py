"""Schemas of POST /heatmap: its options, and what the OpenAPI document says of its bodies and responses."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from heatsvc.api.problems import problem_responses
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMATS
from heatsvc.pipeline import DEFAULT_PRESET, MAX_STEPS, PRESETS, STEPS, Pipeline, parse_pipeline
from heatsvc.pose import LAYOUTS
from heatsvc.pose.findings import Code, Interpretation, PlausibilityMode, Severity
from heatsvc.pose.readers import READERS
from heatsvc.pose.select import MissingPoints
from heatsvc.render.picture_options import DEFAULT_PICTURE, PictureOptions

_REF = "#/components/schemas/"
_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
_BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
# Only described: the pipeline, and the clip with its file and field, report what is wrong with these.
_LayoutName = Annotated[str, WithJsonSchema({"type": "string", "enum": ["", *LAYOUTS]})]
_Side = Annotated[int, Field(strict=True), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100_000})]
_PresetName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PRESETS)})]
_Step = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"type": {"type": "string", "enum": list(STEPS)}},
            "required": ["type"],
            "additionalProperties": True,
        }
    ),
]
_Steps = Annotated[list[_Step], Field(fail_fast=True, json_schema_extra={"minItems": 1, "maxItems": MAX_STEPS})]
_Target = Annotated[str, WithJsonSchema({"type": "string", "enum": list(LAYOUTS)})]
_Index = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 0})]
_Indices = Annotated[list[_Index], Field(fail_fast=True, json_schema_extra={"minItems": 1})]

_LARGEST = float(np.finfo(np.float32).max)
_NUMBER = {
    "type": ["number", "null"],
    "minimum": -_LARGEST,
    "maximum": _LARGEST,
    "description": "A number; null: not detected.",
}


def _lists(items: dict[str, Any]) -> dict[str, Any]:
    """Lists of `items`, lists of such lists, and lists of those: of one frame, one person, several persons."""
    frame = {"type": "array", "items": items, "minItems": 1}
    person = {"type": "array", "items": frame, "minItems": 1}
    return {"anyOf": [frame, person, {"type": "array", "items": person, "minItems": 1}]}


_Points = Annotated[
    list[Any], WithJsonSchema(_lists({"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 3}))
]
_Scores = Annotated[list[Any], WithJsonSchema(_lists(_NUMBER))]


class HeatmapOptions(BaseModel):
    """Options of `POST /heatmap`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # fail_fast: of a list of a million faults the first is reported, and the rest not collected.
    pipeline: _PresetName | _Steps = Field(
        DEFAULT_PRESET,
        description="A preset's name, or a list of steps in PYSKL's form; see `GET /pipelines`.",
        examples=["view", [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget", "sigma": 0.6}]],
    )
    reduce: Literal["none", "max", "argmax"] = Field(
        "none",
        description="`max`: each pixel's largest value over the channels. `argmax`: which channel has it, int16, "
        "-1 where all are zero.",
    )
    select: _Target | _Indices | None = Field(
        None, description="A layout, whose keypoints are taken from the clip's by name; or indices of keypoints."
    )
    missing_points: MissingPoints = Field(
        "missing",
        description="Points of the layout `select` that a clip lacks. `missing`: not detected, with a warning; "
        "`error`: 422.",
    )
    dtype: Literal["float32", "float16", "uint8"] = Field(
        "float32", description="uint8 is value * 255, rounded. `argmax` is int16 whatever is requested."
    )
    compression: Literal["fast", "small"] | None = Field(
        None,
        description="Of zstd responses: `fast` for a near client, `small` for a far one. By default float32 is fast, "
        "uint8 and float16 are small.",
    )
    test_mode: Annotated[bool, Field(strict=True)] = Field(
        True, description="Deterministic, as PYSKL tests. false: random steps sample with `seed`."
    )
    seed: Annotated[int, Field(strict=True)] | None = Field(
        None,
        ge=0,
        le=2**32 - 1,
        description="Seed of the random steps where `test_mode` is false; clip i samples with seed + i. By default a "
        "random seed. The header X-Heatmap-Seed has the one that was used.",
    )
    layout: _LayoutName | None = Field(
        None,
        description="What the points are. Takes precedence over what a file says; a clip in a JSON body may have its "
        "own. By default inferred from names or from the number of points.",
    )
    img_shape: tuple[_Side, _Side] | None = Field(
        None, description="(height, width) in pixels, for clips that do not say it themselves."
    )
    frame_dir: str | Annotated[list[str], Field(fail_fast=True)] | None = Field(
        None, description="Which clips of the files, by name; all by default."
    )

    coordinates: Literal["pixels", "normalized"] = Field(
        "pixels", description="`normalized`: x and y are 0..1 of the frame, and are multiplied by `img_shape`."
    )
    project: Literal["xy"] | None = Field(
        None, description="`xy`: the third number of a keypoint is a depth and is dropped. Otherwise it is the score."
    )
    plausibility: PlausibilityMode = Field(
        "error",
        description="Impossible numbers: `error`: 422; `warn`: reported, as doubtful ones are, in the header "
        "X-Heatmap-Warning; `ignore`: nothing is checked.",
    )

    picture: PictureOptions = Field(
        DEFAULT_PICTURE,
        description="How the volume is shown as image/png, image/gif, image/webp or video/mp4. They ignore "
        "`dtype` and `reduce`.",
        examples=[{"mode": "joint", "skeleton": True, "legend": True}],
    )

    @cached_property
    def interpretation(self) -> Interpretation:
        """How the numbers of the clips are meant."""
        return Interpretation(self.coordinates, self.project, self.plausibility)

    @property
    def frame_dirs(self) -> list[str] | None:
        """The chosen clips as a list."""
        return [self.frame_dir] if isinstance(self.frame_dir, str) else self.frame_dir

    @cached_property
    def built_pipeline(self) -> Pipeline:
        """The pipeline and its reduction.

        Raises:
            PipelineError: steps that do not exist or do not fit.
        """
        return parse_pipeline(self.pipeline, reduce=self.reduce)


OPTIONS = tuple(HeatmapOptions.model_fields)


_UNUSED = "A key of PYSKL's and MMAction2's annotations. Not used."


class Clip(BaseModel):
    """One clip."""

    model_config = ConfigDict(extra="forbid")

    keypoint: _Points = Field(
        description="x, y and, where there is a third number, the score: [V, 2|3], [T, V, 2|3] or [M, T, V, 2|3], "
        "in pixels of the video frame."
    )
    keypoint_score: _Scores | None = Field(
        None, description="keypoint's shape without its last axis; 1 where it is missing."
    )
    img_shape: tuple[_Side, _Side] | None = Field(None, description="Height and width of the video frame in pixels.")
    layout: _LayoutName | None = Field(
        None, description="The keypoint layout; inferred from the number of keypoints where it is missing."
    )
    frame_dir: Annotated[str, Field(max_length=255, pattern=_NO_CONTROL_CHARACTERS)] | None = Field(
        None, description="The clip's name in the response."
    )
    label: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = Field(None, description="Not used.")
    total_frames: Annotated[int, Field(ge=0)] | None = Field(
        None, description="T, which must be that of `keypoint`; of compressed keypoints the frames of the clip."
    )
    frame_inds: list[Annotated[int, Field(ge=0)]] | None = Field(
        None,
        description="PYSKL's compressed keypoints: `keypoint` is [N, V, 3], a row per person and frame, and these are "
        "the frames of its rows, in order.",
    )
    anno_inds: list[bool] | list[Annotated[int, Field(ge=0)]] | None = Field(
        None, description="Of compressed keypoints the rows to take: a mask, or indices."
    )
    filename: str | None = Field(None, description="The clip's name where it has no `frame_dir`.")
    box_score: Any = Field(None, description=_UNUSED)
    original_shape: Any = Field(None, description=_UNUSED)
    num_person_raw: Any = Field(None, description=_UNUSED)
    start_index: Any = Field(None, description=_UNUSED)
    modality: Any = Field(None, description=_UNUSED)
    valid: Any = Field(None, description=_UNUSED)


class OneClip(Clip, HeatmapOptions):  # type: ignore[misc]  # its frame_dir names the clip, the options' chooses
    """One clip and the options."""

    img_shape: tuple[_Side, _Side] = Field(description="Height and width of the video frame in pixels.")


class ManyClips(HeatmapOptions):
    """Several clips and their common options."""

    clips: list[Clip] = Field(min_length=1)


class HeatmapForm(BaseModel):
    """Files of keypoints, and the options."""

    model_config = ConfigDict(extra="forbid")

    file: list[Annotated[str, WithJsonSchema(_BINARY)]] = Field(
        min_length=1,
        description="Recognized by their content: " + "; ".join(f"{reader.name}: {reader.title}" for reader in READERS),
    )
    options: HeatmapOptions = Field(default_factory=lambda: HeatmapOptions.model_validate({}))


class NamedHeatmap(BaseModel):
    """A volume as nested lists."""

    name: str
    dtype: str
    shape: list[int]
    imgs: list[Any]


class HeatmapWarning(BaseModel):
    """Something impossible or doubtful that was found in some clips."""

    code: Code
    severity: Severity
    clips: int = Field(description="How many clips it was found in.")
    detail: str = Field(description="The first of them: what was found, and what to give instead.")


class Heatmaps(BaseModel):
    """Volumes as nested lists, for small ones."""

    clips: list[NamedHeatmap]
    warnings: list[HeatmapWarning] = Field(description="As in the header X-Heatmap-Warning; empty for sound clips.")


# Two frames of three points, one of them not detected; openapi/examples/ has whole clips.
_EXAMPLE = {
    "keypoint": [
        [[310.5, 120.0, 0.98], [290.0, 205.5, 0.91], [335.0, 207.0, 0.88]],
        [[311.0, 121.5, 0.97], [291.5, 206.0, 0.93], [None, None, None]],
    ],
    "img_shape": [480, 640],
    "pipeline": "view",
    "reduce": "max",
}
_ARRAY = "`keypoint` with its scores as a third number; the options are query parameters."


def _query_schemas() -> dict[str, dict[str, Any]]:
    """How options are written in a query: a value as text, several by commas or as JSON."""
    side, index = "([1-9][0-9]{0,4}|100000)", "(0|[1-9][0-9]*)"
    written: dict[str, Any] = {
        "pipeline": {"pattern": rf"^({'|'.join(PRESETS)}|\[.+\])$"},
        "select": {"pattern": rf"^({'|'.join(LAYOUTS)}|{index}(,{index})*|\[{index}(, ?{index})*\])$"},
        "img_shape": {"pattern": rf"^({side},{side}|\[{side}, ?{side}\])$"},
        "frame_dir": {},
        "picture": {"contentMediaType": "application/json", "pattern": r"^\{.*\}$"},
    }
    schemas = HeatmapOptions.model_json_schema()["properties"]
    return {
        name: {"type": "string", **written[name]}
        if name in written
        # Without null, and without a default, which generated clients would send with a JSON body, too.
        else {key: value for key, value in schema.get("anyOf", [schema])[0].items() if key not in ("default", "title")}
        for name, schema in schemas.items()
    }


_QUERY_SCHEMAS = _query_schemas()

REQUEST: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "description": f"With an array as the body. {field.description}",
            "schema": _QUERY_SCHEMAS[name],
        }
        for name, field in HeatmapOptions.model_fields.items()
    ]
    + [
        {
            "name": "Accept-Encoding",
            "in": "header",
            "description": f"{', '.join(CODINGS)}, q-values obeyed; without it nothing is compressed.",
            "schema": {"type": "string", "default": "identity", "examples": ["zstd"]},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [{"$ref": _REF + "OneClip"}, {"$ref": _REF + "ManyClips"}]},
                "example": _EXAMPLE,
            },
            "application/x-npy": {"schema": {**_BINARY, "description": f"[T, V, 2|3] or [M, T, V, 2|3]: {_ARRAY}"}},
            "application/x-npz": {"schema": {**_BINARY, "description": "`keypoint`, `keypoint_score`, `img_shape`."}},
            "multipart/form-data": {"schema": {"$ref": _REF + "HeatmapForm"}},
        },
    },
}
"""What FastAPI does not see of a request, for `openapi_extra`."""

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The heatmaps.",
        "headers": {
            "Server-Timing": {
                "description": "Milliseconds to read and pipeline; to render and encode where the response is not "
                "streamed.",
                "schema": {"type": "string"},
            },
            "X-Heatmap-Warning": {
                "description": "What is doubtful in the clips, or impossible and accepted, with the number of clips: "
                "`points_outside;clips=3, score_range;clips=1`. Absent for sound clips.",
                "schema": {"type": "string"},
            },
            "X-Heatmap-Seed": {
                "description": "The seed of the random steps, where there were any.",
                "schema": {"type": "integer"},
            },
            "X-Heatmap-Version": {
                "description": "What made the heatmaps, a dictionary of RFC 9651: `version`, `kernels` (`native` or "
                "`reference`, with `+cuda` where a GPU may have rendered some of them), `pipeline` (a preset's name, "
                "or a digest of the steps), and `seed` where there were random steps.",
                "schema": {
                    "type": "string",
                    "examples": ['version="0.1.0", kernels=native, pipeline="posec3d-train", seed=11'],
                },
            },
            "X-Request-ID": {"description": "As in the log.", "schema": {"type": "string"}},
        },
        "content": {
            name: {"schema": {**_BINARY, "description": each.title}}
            if name != "application/json"
            else {"schema": {"$ref": _REF + "Heatmaps"}}
            for name, each in FORMATS.items()
        },
    },
    **problem_responses(400, 401, 406, 408, 413, 415, 422, 500, 503),
}
"""The responses of the route."""
