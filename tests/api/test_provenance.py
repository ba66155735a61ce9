"""What made the heatmaps: in the header, and in files that hold texts."""

from __future__ import annotations

import hashlib
import io
import json

import pytest
from PIL import Image

import heatsvc
from heatsvc.kernels import KERNELS
from tests.api.client import SAFETENSORS, Client

KEYPOINTS = {"keypoint": [[[10 + i, 20 + i % 3, 0.9] for i in range(17)]] * 8, "img_shape": [64, 64]}
FLIP = [{"type": "Flip", "flip_ratio": 0.5}, {"type": "GeneratePoseTarget"}]
MADE = f'version="{heatsvc.__version__}", kernels={KERNELS.name}, '


def version(client: Client, accept: str = "application/x-npy", **options: object) -> str:
    return client.post_json({**KEYPOINTS, **options}, accept=accept).headers["x-heatmap-version"]


def texts_of_safetensors(data: bytes) -> dict[str, str]:
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]


def test_the_header_names_version_kernels_and_preset(client: Client) -> None:
    assert version(client) == MADE + 'pipeline="view"'
    assert version(client, pipeline="posec3d-val") == MADE + 'pipeline="posec3d-val"'


def test_the_header_has_the_seed_of_random_steps(client: Client) -> None:
    options = {"pipeline": "posec3d-train", "test_mode": False}
    assert version(client, **options, seed=11) == MADE + 'pipeline="posec3d-train", seed=11'
    assert version(client, pipeline="posec3d-train", seed=11) == MADE + 'pipeline="posec3d-train"'
    response = client.post_json({**KEYPOINTS, **options})
    assert response.headers["x-heatmap-version"].endswith(f", seed={response.headers['x-heatmap-seed']}")


def test_a_streamed_response_has_the_header(client: Client) -> None:
    many = {"clips": [{**KEYPOINTS, "frame_dir": str(i)} for i in range(300)]}
    response = client.post_json(many, accept_encoding="zstd")
    assert "content-length" not in response.headers
    assert response.headers["x-heatmap-version"] == MADE + 'pipeline="view"'


def test_equal_steps_have_the_digest_of_their_parameters(client: Client) -> None:
    target = {"type": "GeneratePoseTarget"}
    first = version(client, pipeline=[target])
    assert first == version(client, pipeline=[{**target, "sigma": 0.6}])
    assert first != version(client, pipeline=[{**target, "sigma": 0.7}])
    steps = texts_of_safetensors(client.post_json({**KEYPOINTS, "pipeline": [target]}, accept=SAFETENSORS).body)
    digest = hashlib.sha256(steps["pipeline"].encode()).hexdigest()[:16]
    assert first == f'{MADE}pipeline="sha256:{digest}"'
    [step] = json.loads(steps["pipeline"])
    assert (step["type"], step["sigma"]) == ("GeneratePoseTarget", 0.6)


@pytest.mark.parametrize("accept", [SAFETENSORS, "image/png"])
def test_files_that_hold_texts_say_the_same(client: Client, accept: str) -> None:
    data = client.post_json({**KEYPOINTS, "pipeline": FLIP, "test_mode": False, "seed": 3}, accept=accept).body
    texts = texts_of_safetensors(data) if accept == SAFETENSORS else Image.open(io.BytesIO(data)).text
    assert {name: texts[name] for name in ("software", "version", "kernels", "seed")} == {
        "software": "heatsvc",
        "version": heatsvc.__version__,
        "kernels": KERNELS.name,
        "seed": "3",
    }
    assert [step["type"] for step in json.loads(texts["pipeline"])] == ["Flip", "GeneratePoseTarget"]


def test_long_pipelines_are_named_by_their_digest(client: Client) -> None:
    limbs = [[i % 17, (i + 1) % 17] for i in range(1000)]
    pipeline = [{"type": "GeneratePoseTarget", "with_kp": False, "with_limb": True, "skeletons": limbs}]
    response = client.post_json({**KEYPOINTS, "pipeline": pipeline, "reduce": "max"}, accept=SAFETENSORS)
    digest = texts_of_safetensors(response.body)["pipeline"]
    assert digest.startswith("sha256:")
    assert f'pipeline="{digest}"' in response.headers["x-heatmap-version"]


def test_pictures_of_the_library_say_it_too() -> None:
    data = heatsvc.draw(KEYPOINTS, "posec3d-train", test_mode=False, seed=5, format="png")
    texts = Image.open(io.BytesIO(data)).text
    assert (texts["pipeline"], texts["seed"]) == ("posec3d-train", "5")
