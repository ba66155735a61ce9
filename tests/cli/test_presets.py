"""`heatsvc presets`."""

from __future__ import annotations

import json

import pytest

from heatsvc.cli.main import main
from heatsvc.pipeline import PRESETS
from tests.cli.command import OF_CLIP, line_of


def test_all_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["presets"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in PRESETS)
    assert "view (default)" in shown


def test_the_steps_of_one_are_what_pipeline_takes(capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["presets", "posec3d-val"]) == 0
    steps = capsys.readouterr().out
    assert json.loads(steps)[0] == {"type": "UniformSampleFrames", "clip_len": 48, "num_clips": 1}
    assert main(["draw", *OF_CLIP, "--pipeline", steps, "-o", "a.npy"]) == 0
    assert main(["draw", *OF_CLIP, "--pipeline", "posec3d-val", "-o", "b.npy"]) == 0
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_as_json(capsysbinary: pytest.CaptureFixture[bytes]):
    assert main(["presets", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsysbinary.readouterr().out)] == list(PRESETS)


def test_an_unknown_one(capsys: pytest.CaptureFixture[str]):
    assert main(["presets", "posec3d"]) == 2
    assert line_of(capsys.readouterr().err).startswith(
        "heatsvc presets: there is no preset 'posec3d': did you mean posec3d-"
    )
