"""Geometry: a clip becomes a volume to be drawn, by steps of PYSKL's names. No pixels here."""

from __future__ import annotations

from heatsvc.pipeline.describe import describe_pipelines
from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.parse import parse_pipeline
from heatsvc.pipeline.pipeline import Pipeline
from heatsvc.pipeline.presets import DEFAULT_PRESET, PRESETS, Preset
from heatsvc.pipeline.steps import STEPS

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "STEPS",
    "Pipeline",
    "PipelineError",
    "Preset",
    "describe_pipelines",
    "parse_pipeline",
]
