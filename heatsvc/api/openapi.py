"""The OpenAPI document: FastAPI's, plus the schemas that routes refer to by name."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from heatsvc.api.build_schemas import AnnotationForm
from heatsvc.api.heatmap_schemas import HeatmapForm, Heatmaps, ManyClips, OneClip
from heatsvc.api.inspection_schemas import InspectionForm
from heatsvc.api.problems import Problem

_API_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "One of HEATSVC_API_KEYS; not needed if that setting is empty.",
}


def add_schemas(app: FastAPI) -> None:
    """Add to `app.openapi()` the models of bodies that FastAPI does not read, and the API key."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it


def _document(app: FastAPI) -> dict[str, Any]:
    document: dict[str, Any] = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    _, models = models_json_schema(
        [
            (Problem, "serialization"),
            (Heatmaps, "serialization"),
            *((model, "validation") for model in (OneClip, ManyClips, HeatmapForm, AnnotationForm, InspectionForm)),
        ],
        ref_template="#/components/schemas/{model}",
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(models["$defs"])
    document["components"]["securitySchemes"] = {"apiKey": _API_KEY}
    document["security"] = [{"apiKey": []}]
    if not app.state.service.settings.api_keys:
        document["security"].append({})  # none is needed
    return document
