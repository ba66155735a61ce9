"""Layouts, pipelines, health, metrics, documentation, and unknown paths."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from heatsvc import __version__
from heatsvc.pipeline import PRESETS, STEPS
from heatsvc.pose import LAYOUTS
from tests.api.client import CLIP, Client


def test_layouts_are_listed_with_points_limbs_and_sides(client: Client) -> None:
    layouts = {layout["name"]: layout for layout in client.get("/layouts").json()}
    assert set(layouts) == set(LAYOUTS)
    coco17 = layouts["coco17"]
    assert (coco17["count"], coco17["points"][0], len(coco17["limbs"])) == (17, "nose", 17)
    assert (coco17["left"], coco17["right"]) == ([1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16])
    assert layouts["sign27"]["limbs"][:3] == [[0, 1], [0, 2], [1, 3]]


def test_layouts_list_what_can_be_selected_from_them(client: Client) -> None:
    contained = {layout["name"]: set(layout["contains"]) for layout in client.get("/layouts").json()}
    for source in ("coco_wholebody", "openpose137", "mediapipe_holistic"):
        assert "sign27" in contained[source]
    assert {"coco17", "sign31", "sign59"} <= contained["coco_wholebody"]
    assert "coco_wholebody" not in contained["coco17"]


def test_pipelines_are_listed_with_their_parameters(client: Client) -> None:
    document = client.get("/pipelines").json()
    steps = {step["type"]: {p["name"]: p for p in step["parameters"]} for step in document["steps"]}
    assert set(steps) == set(STEPS)
    assert steps["GeneratePoseTarget"]["sigma"]["default"] == 0.6
    assert steps["UniformSampleFrames"]["clip_len"]["required"]
    assert {preset["name"] for preset in document["presets"]} == set(PRESETS)
    assert (document["default"], document["reduce"]) == ("view", ["none", "max", "argmax"])


def test_live(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}


def test_ready(client: Client) -> None:
    document = client.get("/health/ready").json()
    assert (document["status"], document["version"]) == ("ready", __version__)


def sample(client: Client, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(client.get("/metrics").wire.decode()):
        for one in family.samples:
            if one.name == name and one.labels == labels:
                return one.value
    return 0.0


def test_metrics_count_requests_clips_and_bytes(client: Client) -> None:
    done = {"method": "POST", "route": "/heatmap", "status": "200"}
    names = ("heatsvc_requests_total", "heatsvc_clips_drawn_total", "heatsvc_body_bytes_total")
    labels = (done, {"finding": "none"}, {"route": "/heatmap", "direction": "response"})
    before = [sample(client, name, **label) for name, label in zip(names, labels, strict=True)]
    response = client.post_json({"clips": [CLIP, CLIP]})
    after = [sample(client, name, **label) for name, label in zip(names, labels, strict=True)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2, len(response.wire)]


@pytest.mark.parametrize("stage", ["read", "pipeline", "render", "encode"])
def test_metrics_measure_the_stages(client: Client, stage: str) -> None:
    before = sample(client, "heatsvc_stage_seconds_count", stage=stage)
    client.post_json(CLIP)
    assert sample(client, "heatsvc_stage_seconds_count", stage=stage) == before + 1


def test_metrics_count_requests_in_flight(client: Client) -> None:
    client.post_json(CLIP)
    assert sample(client, "heatsvc_in_flight") == 1  # the one that asks


def test_metrics_have_one_label_for_all_unknown_paths(client: Client) -> None:
    for path in ("/a", "/b", "/heatmap/c"):
        client.get(path)
    assert sample(client, "heatsvc_requests_total", method="GET", route="unknown", status="404") >= 3
    assert b'"/b"' not in client.get("/metrics").wire


def test_documentation(client: Client) -> None:
    page = client.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"/openapi.json" in page.wire


def test_documentation_needs_no_network(client: Client) -> None:
    page = client.get("/docs").wire.decode()
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) >= 2
    for path in files:
        assert path.startswith("/docs-assets/")
        assert client.get(path).status == 200


@pytest.mark.parametrize("path", ["/heatmaps", "/health", "/heatmap/1", "/%2e%2e/etc/passwd", "/a%00b", "/\u20ac"])
def test_an_unknown_path(client: Client, path: str) -> None:
    assert "/docs lists all paths" in client.get(path).problem(404)["detail"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_method_that_is_not_allowed(client: Client, method: str) -> None:
    response = client.request(method, "/heatmap")
    assert response.headers["allow"] == "POST"
    assert response.problem(405)["detail"] == f"/heatmap does not support {method}: use POST"
