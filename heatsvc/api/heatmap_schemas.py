"""Schemas of POST /heatmap: its options, and its request and response bodies for the OpenAPI document."""

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
# These schemas only describe. Values are checked where the pipeline and the clips are built, which report the field.
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
    """Lists of `items`, nested once, twice or three times: one frame, one person, several persons."""
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

    # fail_fast: only the first fault of a list is reported; a list of a million faults does not collect them all.
    pipeline: _PresetName | _Steps = Field(
        DEFAULT_PRESET,
        description="A preset's name, or a list of steps as in a PYSKL config; see `GET /pipelines`.",
        examples=["view", [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget", "sigma": 0.6}]],
    )
    reduce: Literal["none", "max", "argmax"] = Field(
        "none",
        description="`max`: the largest value of each pixel over the channels. `argmax`: the channel that has it, as "
        "int16, -1 where all are zero.",
    )
    select: _Target | _Indices | None = Field(
        None, description="Keypoints to take: the name of a layout, whose keypoints are found by name, or indices."
    )
    missing_points: MissingPoints = Field(
        "missing",
        description="Keypoints of the layout `select` that a clip does not have. `missing`: they are not detected, "
        "with a warning; `error`: 422.",
    )
    dtype: Literal["float32", "float16", "uint8"] = Field(
        "float32", description="Type of the pixels. uint8 is value * 255, rounded. `argmax` is always int16."
    )
    compression: Literal["fast", "small"] | None = Field(
        None,
        description="How zstd is written: `fast` for fast networks, `small` for slow ones. By default float32 is "
        "`fast`, uint8 and float16 are `small`.",
    )
    test_mode: Annotated[bool, Field(strict=True)] = Field(
        True, description="Whether steps are deterministic, as in PYSKL's tests; otherwise random steps use `seed`."
    )
    seed: Annotated[int, Field(strict=True)] | None = Field(
        None,
        ge=0,
        le=2**32 - 1,
        description="Seed of the random steps where `test_mode` is false; clip i uses seed + i. By default a random "
        "seed. The header X-Heatmap-Seed has the one that was used.",
    )
    layout: _LayoutName | None = Field(
        None,
        description="Layout of the keypoints. It takes precedence over the file; a clip in a JSON body may have its "
        "own. By default it is inferred from the names or the number of keypoints.",
    )
    img_shape: tuple[_Side, _Side] | None = Field(
        None, description="[height, width] of the video frame in pixels, for clips without one of their own."
    )
    frame_dir: str | Annotated[list[str], Field(fail_fast=True)] | None = Field(
        None, description="Names of the clips to take from the files; all by default."
    )

    coordinates: Literal["pixels", "normalized"] = Field(
        "pixels", description="`normalized`: x and y are from 0 to 1, and are multiplied by `img_shape`."
    )
    project: Literal["xy"] | None = Field(
        None, description="`xy`: the third number of a keypoint is a depth, and is dropped. By default it is the score."
    )
    plausibility: PlausibilityMode = Field(
        "error",
        description="What happens to impossible numbers. `error`: 422; `warn`: they are reported in the header "
        "X-Heatmap-Warning, as doubtful ones are; `ignore`: nothing is checked.",
    )

    picture: PictureOptions = Field(
        DEFAULT_PICTURE,
        description="How image/png, image/gif, image/webp and video/mp4 show the volume. They ignore `dtype` and "
        "`reduce`.",
        examples=[{"mode": "joint", "skeleton": True, "legend": True}],
    )

    @cached_property
    def interpretation(self) -> Interpretation:
        """How to interpret the numbers of the clips."""
        return Interpretation(self.coordinates, self.project, self.plausibility)

    @property
    def frame_dirs(self) -> list[str] | None:
        """`frame_dir` as a list."""
        return [self.frame_dir] if isinstance(self.frame_dir, str) else self.frame_dir

    @cached_property
    def built_pipeline(self) -> Pipeline:
        """The pipeline and its reduction.

        Raises:
            PipelineError: a step does not exist, or the steps do not fit together.
        """
        return parse_pipeline(self.pipeline, reduce=self.reduce)


OPTIONS = tuple(HeatmapOptions.model_fields)


_UNUSED = "A key of PYSKL's and MMAction2's annotations; ignored."


class Clip(BaseModel):
    """One clip."""

    model_config = ConfigDict(extra="forbid")

    keypoint: _Points = Field(
        description="x and y in pixels of the video frame, and optionally the score: [V, 2|3], [T, V, 2|3] or "
        "[M, T, V, 2|3]."
    )
    keypoint_score: _Scores | None = Field(
        None, description="Scores, in the shape of `keypoint` without its last axis; by default all 1."
    )
    img_shape: tuple[_Side, _Side] | None = Field(None, description="Height and width of the video frame in pixels.")
    layout: _LayoutName | None = Field(
        None, description="The keypoint layout; by default inferred from the number of keypoints."
    )
    frame_dir: Annotated[str, Field(max_length=255, pattern=_NO_CONTROL_CHARACTERS)] | None = Field(
        None, description="The clip's name in the response."
    )
    label: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = Field(
        None, description="The class index; ignored."
    )
    total_frames: Annotated[int, Field(ge=0)] | None = Field(
        None, description="T of `keypoint`; if the keypoints are compressed, the number of frames of the clip."
    )
    frame_inds: list[Annotated[int, Field(ge=0)]] | None = Field(
        None,
        description="The frame of each row of PYSKL's compressed keypoints, whose `keypoint` is [N, V, 3], one row per "
        "person and frame.",
    )
    anno_inds: list[bool] | list[Annotated[int, Field(ge=0)]] | None = Field(
        None, description="The rows of compressed keypoints to use, as a mask or as indices."
    )
    filename: str | None = Field(None, description="The clip's name if it has no `frame_dir`.")
    box_score: Any = Field(None, description=_UNUSED)
    original_shape: Any = Field(None, description=_UNUSED)
    num_person_raw: Any = Field(None, description=_UNUSED)
    start_index: Any = Field(None, description=_UNUSED)
    modality: Any = Field(None, description=_UNUSED)
    valid: Any = Field(None, description=_UNUSED)


class OneClip(Clip, HeatmapOptions):  # type: ignore[misc]  # Clip.frame_dir is a name
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
        description="Keypoint files, or archives of them. Their format is recognized by content: "
        + ", ".join(f"`{reader.name}`" for reader in READERS)
        + ".",
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
    clips: int = Field(description="Number of clips in which it was found.")
    detail: str = Field(description="What was found in the first of these clips, and what to send instead.")


class Heatmaps(BaseModel):
    """Small volumes as nested lists."""

    clips: list[NamedHeatmap]
    warnings: list[HeatmapWarning] = Field(description="The warnings of the header X-Heatmap-Warning.")


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
_ARRAY = "`keypoint`, optionally with the score as third number; options are query parameters."


def _query_schemas() -> dict[str, dict[str, Any]]:
    """Schemas of the options as query parameters: text; lists separated by commas or as JSON."""
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
        # Without null, and without a default: generated clients would send it even with a JSON body.
        else {key: value for key, value in schema.get("anyOf", [schema])[0].items() if key not in ("default", "title")}
        for name, schema in schemas.items()
    }


_QUERY_SCHEMAS = _query_schemas()

REQUEST: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "description": f"Only if the body is an array. {field.description}",
            "schema": _QUERY_SCHEMAS[name],
        }
        for name, field in HeatmapOptions.model_fields.items()
    ]
    + [
        {
            "name": "Accept-Encoding",
            "in": "header",
            "description": f"{', '.join(CODINGS)}, with q-values; without this header the response is not compressed.",
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
"""The parts of a request that FastAPI does not parse, for `openapi_extra`."""

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The heatmaps.",
        "headers": {
            "Server-Timing": {
                "description": "Milliseconds of the stages read and pipeline; also of render and encode if the "
                "response is not streamed.",
                "schema": {"type": "string"},
            },
            "X-Heatmap-Warning": {
                "description": "Codes of doubtful or impossible numbers that were accepted, each with the number of "
                "clips: `points_outside;clips=3, score_range;clips=1`. Absent if there are none.",
                "schema": {"type": "string"},
            },
            "X-Heatmap-Seed": {
                "description": "The seed of the random steps. Absent if there were none.",
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
