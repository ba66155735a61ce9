"""describe_pipelines: describes the steps, their parameters and the presets for `GET /pipelines`."""

from __future__ import annotations

from typing import Any, get_args

from heatsvc.pipeline.presets import DEFAULT_PRESET, PRESETS
from heatsvc.pipeline.steps import STEPS
from heatsvc.pipeline.steps.step import Step
from heatsvc.volume import Reduce


def describe_pipelines() -> dict[str, Any]:
    """Describe the steps, presets and reductions as JSON.

    Returns:
        ``steps``: each has ``type``, ``description`` and ``parameters``; each parameter has ``name``, ``required``,
        ``default`` unless it is required, ``description``, and ``schema`` (JSON Schema).
        ``presets``: each has ``name``, ``title`` and ``steps``. ``default``: the name of the default preset.
        ``reduce``: the allowed values.
    """
    return {
        "steps": [_describe_step(name, step) for name, step in STEPS.items()],
        "presets": [
            {"name": name, "title": preset.title, "steps": [dict(step) for step in preset.steps]}
            for name, preset in PRESETS.items()
        ],
        "default": DEFAULT_PRESET,
        "reduce": list(get_args(Reduce)),
    }


def _describe_step(name: str, step: type[Step]) -> dict[str, Any]:
    schema = step.model_json_schema()
    required = schema.get("required", [])
    parameters = []
    for parameter, found in schema["properties"].items():
        if parameter == "type":
            continue
        described: dict[str, Any] = {
            "name": parameter,
            "required": parameter in required,
            "description": found.pop("description", ""),
        }
        if parameter not in required:
            described["default"] = found.pop("default", None)
        found.pop("title", None)
        parameters.append({**described, "schema": found})
    return {"type": name, "description": schema.get("description", ""), "parameters": parameters}
