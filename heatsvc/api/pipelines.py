"""Pipelines: the steps a request may name, and the presets."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from heatsvc.pipeline import describe_pipelines

router = APIRouter(tags=["what there is"])


@router.get("/pipelines", summary="Steps and presets")
async def pipelines() -> dict[str, Any]:
    """Every step with its parameters, their defaults and JSON Schemas, and every preset with its steps."""
    return describe_pipelines()
