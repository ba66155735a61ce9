"""GET /pipelines: the pipeline steps and presets."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heatsvc.api.problems import problem_responses
from heatsvc.pipeline import describe_pipelines

router = APIRouter(tags=["catalogue"], responses=problem_responses(401, 500, 503))


class ParameterInfo(BaseModel):
    """A parameter of a step."""

    name: str
    required: bool
    default: Any = Field(None, description="Default value; absent if the parameter is required.")
    description: str
    json_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of the value.")


class StepInfo(BaseModel):
    """A pipeline step, named as in PYSKL."""

    type: str
    description: str
    parameters: list[ParameterInfo]


class PresetInfo(BaseModel):
    """A named pipeline."""

    name: str
    title: str
    steps: list[dict[str, Any]] = Field(description="The steps, as in a request's `pipeline`.")


class PipelineCatalogue(BaseModel):
    """Allowed values of a request's `pipeline` and `reduce`."""

    steps: list[StepInfo]
    presets: list[PresetInfo]
    default: str = Field(description="Name of the preset that is used if a request has no `pipeline`.")
    reduce: list[str]


@router.get(
    "/pipelines",
    summary="List steps and presets",
    response_description="The steps and presets.",
    response_model_exclude_unset=True,
)
async def list_pipelines() -> PipelineCatalogue:
    """Lists the steps with their parameters, defaults and JSON Schemas, and the presets with their steps."""
    return _catalogue()


@lru_cache(maxsize=1)
def _catalogue() -> PipelineCatalogue:
    return PipelineCatalogue.model_validate(describe_pipelines())
