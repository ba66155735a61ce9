"""Geometry: a clip becomes a volume to be drawn, by steps of PYSKL's names. No pixels here."""

from __future__ import annotations

from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.parse import parse_pipeline
from heatsvc.pipeline.pipeline import Pipeline
from heatsvc.pipeline.presets import PRESETS
from heatsvc.pipeline.steps import STEPS

__all__ = ["PRESETS", "STEPS", "Pipeline", "PipelineError", "parse_pipeline"]
