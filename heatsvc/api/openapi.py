"""The OpenAPI document: what FastAPI writes, and what it cannot see: bodies that the routes read themselves."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from heatsvc.api.build_schemas import AnnotationForm
from heatsvc.api.options import HeatmapOptions
from heatsvc.api.problems import MEDIA_TYPE, Problem
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMS
from heatsvc.pose.readers import READERS

_REF = "#/components/schemas/"
_BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
_NUMBER = {"type": ["number", "null"], "description": "null: not detected."}


def _lists(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": _lists(depth - 1) if depth > 1 else _NUMBER}


_CLIP: dict[str, Any] = {
    "keypoint": {
        "description": "x, y and, where there is a third number, the score: [V, 2|3], [T, V, 2|3] or [M, T, V, 2|3], "
        "in pixels of the video frame.",
        "anyOf": [_lists(4), _lists(3), _lists(2)],
    },
    "keypoint_score": {
        "description": "keypoint's shape without its last axis; 1 where there is none.",
        "anyOf": [_lists(3), _lists(2), _lists(1)],
    },
    "img_shape": {
        "description": "Height and width of the video frame in pixels.",
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": 100_000},
        "minItems": 2,
        "maxItems": 2,
    },
    "layout": {"type": "string", "description": "What the points are; by their number where not given."},
    "frame_dir": {"type": "string", "description": "The clip's name in the answer."},
    "label": {"type": "integer", "description": "Carried along."},
}

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

_API_KEY = {"type": "http", "scheme": "bearer", "description": "One of HEATSVC_API_KEYS, where there are any."}

_PROBLEMS = {
    "400": "Broken JSON, or a broken form.",
    "401": "A key is needed.",
    "406": "No form or coding of the answer is acceptable.",
    "408": "The body did not arrive in time.",
    "413": "Body, volume or answer are larger than a setting allows.",
    "415": "A body of another type.",
    "422": "Keypoints or options that cannot be used.",
    "503": "Too busy, still starting, or too slow; see Retry-After.",
}


def complete(app: FastAPI) -> None:
    """Have `app.openapi()` write the whole document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document: dict[str, Any] = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    options = HeatmapOptions.model_json_schema(ref_template=_REF + "{model}")
    schemas.update(options.pop("$defs", {}))
    schemas["HeatmapOptions"] = options
    schemas["Clip"] = {"type": "object", "required": ["keypoint"], "properties": _CLIP}
    schemas["OneClip"] = {
        "type": "object",
        "description": "One clip and the options.",
        "required": ["keypoint", "img_shape"],
        "properties": {**options["properties"], **_CLIP},
        "additionalProperties": False,
    }
    schemas["ManyClips"] = {
        "type": "object",
        "description": "Many clips and their common options.",
        "required": ["clips"],
        "properties": {**options["properties"], "clips": {"type": "array", "items": {"$ref": _REF + "Clip"}}},
        "additionalProperties": False,
    }
    schemas["Form"] = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {
                "type": "array",
                "items": _BINARY,
                "description": "Files of keypoints, told apart by content: "
                + "; ".join(f"{reader.name}: {reader.title}" for reader in READERS),
            },
            "options": {"$ref": _REF + "HeatmapOptions"},
        },
    }
    # Models that routes only refer to: problem documents, and a form that is not read by FastAPI.
    _, models = models_json_schema(
        [(Problem, "serialization"), (AnnotationForm, "validation")], ref_template=_REF + "{model}"
    )
    schemas.update(models["$defs"])
    document["components"]["securitySchemes"] = {"apiKey": _API_KEY}
    document["security"] = [{"apiKey": []}, {}]  # {}: a service without keys needs none
    # First in the document, as it is in the service.
    document["paths"] = {"/heatmap": {"post": _heatmap(options["properties"])}, **document["paths"]}
    return document


def _heatmap(options: dict[str, Any]) -> dict[str, Any]:
    array = "`keypoint` with its scores as a third number; the options stand in the query."
    return {
        "tags": ["heatmaps"],
        "summary": "Draw heatmaps",
        "operationId": "draw_heatmaps",
        "description": "Draws each clip through the pipeline. One clip is answered as .npy, several as safetensors, "
        "unless `Accept` asks otherwise.",
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": f"With an array as the body. {schema.get('description', '')}",
                "schema": {"type": "string"},
            }
            for name, schema in options.items()
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
                "application/x-npy": {"schema": {**_BINARY, "description": f"[T, V, 2|3] or [M, T, V, 2|3]: {array}"}},
                "application/x-npz": {
                    "schema": {**_BINARY, "description": "`keypoint`, `keypoint_score`, `img_shape`."}
                },
                "multipart/form-data": {"schema": {"$ref": _REF + "Form"}},
            },
        },
        "responses": {
            "200": {
                "description": "The heatmaps.",
                "headers": {
                    "Server-Timing": {
                        "description": "Milliseconds to read, pipeline, draw and encode.",
                        "schema": {"type": "string"},
                    },
                    "X-Heatmap-Seed": {
                        "description": "The seed of the random steps, where there were any.",
                        "schema": {"type": "integer"},
                    },
                    "X-Request-ID": {"description": "As in the log.", "schema": {"type": "string"}},
                },
                "content": {
                    name: {
                        "schema": {"type": "object"}
                        if name.endswith("json")
                        else {**_BINARY, "description": form.title}
                    }
                    for name, form in FORMS.items()
                },
            },
            **{
                status: {"description": told, "content": {MEDIA_TYPE: {"schema": {"$ref": _REF + "Problem"}}}}
                for status, told in _PROBLEMS.items()
            },
        },
    }
