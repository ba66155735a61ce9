"""Schemas of POST /heatmap for the OpenAPI document, and the route's description."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from heatsvc.api.options import HeatmapOptions, LayoutName, Side
from heatsvc.api.problems import problem_responses
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMATS
from heatsvc.pipeline import PRESETS
from heatsvc.pose import LAYOUTS
from heatsvc.pose.readers import READERS

_REF = "#/components/schemas/"
_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
_BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
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
    img_shape: tuple[Side, Side] | None = Field(None, description="Height and width of the video frame in pixels.")
    layout: LayoutName | None = Field(
        None, description="The keypoint layout; inferred from the number of keypoints where it is missing."
    )
    frame_dir: Annotated[str, Field(max_length=255, pattern=_NO_CONTROL_CHARACTERS)] | None = Field(
        None, description="The clip's name in the response."
    )
    label: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = Field(None, description="Not used.")


class OneClip(Clip, HeatmapOptions):  # type: ignore[misc]  # its frame_dir names the clip, the options' chooses
    """One clip and the options."""

    img_shape: tuple[Side, Side] = Field(description="Height and width of the video frame in pixels.")


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


class Heatmaps(BaseModel):
    """Volumes as nested lists, for small ones."""

    clips: list[NamedHeatmap]


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
            "X-Heatmap-Seed": {
                "description": "The seed of the random steps, where there were any.",
                "schema": {"type": "integer"},
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
