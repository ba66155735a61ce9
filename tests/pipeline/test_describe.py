"""What `GET /pipelines` describes."""

from __future__ import annotations

import json

import pytest

from heatsvc.pipeline import PRESETS, STEPS, describe_pipelines, parse_pipeline


def test_it_is_json_with_every_step_and_preset() -> None:
    described = json.loads(json.dumps(describe_pipelines()))
    assert [step["type"] for step in described["steps"]] == list(STEPS)
    assert [preset["name"] for preset in described["presets"]] == list(PRESETS)
    assert described["default"] == "view"
    assert described["reduce"] == ["none", "max", "argmax"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_its_steps(preset: str) -> None:
    (steps,) = [described["steps"] for described in describe_pipelines()["presets"] if described["name"] == preset]
    assert parse_pipeline(steps) == parse_pipeline(preset)


def test_every_step_and_parameter_is_described() -> None:
    for step in describe_pipelines()["steps"]:
        assert step["description"], step["type"]
        for parameter in step["parameters"]:
            assert parameter["description"], (step["type"], parameter["name"])


def test_a_parameter_has_its_type_and_default() -> None:
    (target,) = [step for step in describe_pipelines()["steps"] if step["type"] == "GeneratePoseTarget"]
    assert target["parameters"][0] == {
        "name": "sigma",
        "required": False,
        "description": "Standard deviation of the Gaussian, in pixels of the map.",
        "default": 0.6,
        "schema": {"type": "number", "minimum": 0.001, "maximum": 1000},
    }
    (sample,) = [step for step in describe_pipelines()["steps"] if step["type"] == "UniformSampleFrames"]
    assert [parameter["name"] for parameter in sample["parameters"] if parameter["required"]] == ["clip_len"]
