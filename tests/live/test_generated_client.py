"""A client that openapi-python-client generates from the OpenAPI document sends and receives JSON."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import heatsvc
from tests.live.server import Live
from tests.serving import ROOT

NAME = "generated_heatsvc_client"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The generated package."""
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_bytes(subprocess.run([sys.executable, "-m", "heatsvc", "openapi"], stdout=-1, check=True).stdout)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "openapi_python_client", "generate"]
    options = ["--path", str(document), "--meta", "none", "--output-path", str(folder / NAME)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return importlib.import_module(NAME)


@pytest.fixture(scope="module")
def client(generated: ModuleType, live: Live) -> Any:
    return generated.Client(
        base_url=live.address, headers={"Accept": "application/json"}, raise_on_unexpected_status=True
    )


def test_one_clip_in_json_comes_back_as_numbers(client: Any) -> None:
    create_heatmaps = importlib.import_module(f"{NAME}.api.heatmaps.create_heatmaps")
    models = importlib.import_module(f"{NAME}.models")
    given = {
        "keypoint": [[[310.5, 120.0], [290.0, 205.5], [None, None]], [[311.0, 121.5], [291.5, 206.0], [335.0, 207.0]]],
        "keypoint_score": [[0.98, 0.91, 0.0], [0.97, 0.93, 0.88]],
        "img_shape": [480, 640],
        "frame_dir": "clip",
        "reduce": "max",
    }
    heatmaps = create_heatmaps.sync(client=client, body=models.OneClip.from_dict(given))
    [volume] = heatmaps.clips
    assert (volume.name, volume.dtype, volume.shape) == ("clip", "float32", [2, 64, 64])
    expected = heatsvc.draw({name: value for name, value in given.items() if name != "reduce"}, "view", reduce="max")
    np.testing.assert_allclose(np.array(volume.imgs, np.float32), expected, atol=1e-6)


def test_several_clips_in_json_come_back_by_name(client: Any) -> None:
    create_heatmaps = importlib.import_module(f"{NAME}.api.heatmaps.create_heatmaps")
    models = importlib.import_module(f"{NAME}.models")
    clip = json.loads((ROOT / "openapi" / "examples" / "clip.json").read_text())
    clips = [{"keypoint": clip["keypoint"], "img_shape": clip["img_shape"], "frame_dir": name} for name in ("a", "b")]
    body = models.ManyClips.from_dict({"clips": clips, "reduce": "max"})
    heatmaps = create_heatmaps.sync(client=client, body=body)
    assert [volume.name for volume in heatmaps.clips] == ["a", "b"]
    assert heatmaps.clips[0].imgs == heatmaps.clips[1].imgs


def test_a_problem_is_parsed(client: Any) -> None:
    create_heatmaps = importlib.import_module(f"{NAME}.api.heatmaps.create_heatmaps")
    models = importlib.import_module(f"{NAME}.models")
    body = models.OneClip.from_dict({"keypoint": [[1.0, 2.0], [1.0]], "img_shape": [480, 640]})
    problem = create_heatmaps.sync(client=client, body=body)
    assert (problem.status, problem.field) == (422, "keypoint")


def test_layouts_are_listed(client: Any) -> None:
    list_layouts = importlib.import_module(f"{NAME}.api.catalogue.list_layouts")
    response = list_layouts.sync_detailed(client=client)
    assert response.status_code == HTTPStatus.OK
    assert {layout.name: layout.count for layout in response.parsed}["coco17"] == 17
