"""Pipelines: steps with PYSKL's names and parameters that turn clips into volumes to render (geometry, no pixels)."""

from __future__ import annotations

from heatsvc.pipeline.describe import describe_pipelines
from heatsvc.pipeline.errors import PipelineError
from heatsvc.pipeline.parse import MAX_STEPS, PipelineSpec, parse_pipeline
from heatsvc.pipeline.pipeline import Pipeline
from heatsvc.pipeline.presets import DEFAULT_PRESET, PRESETS, Preset
from heatsvc.pipeline.steps import STEPS

__all__ = [
    "DEFAULT_PRESET",
    "MAX_STEPS",
    "PRESETS",
    "STEPS",
    "Pipeline",
    "PipelineError",
    "PipelineSpec",
    "Preset",
    "describe_pipelines",
    "parse_pipeline",
]
