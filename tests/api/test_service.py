"""What the service tells of itself: layouts, pipelines, health, metrics, documentation; and addresses it has not."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from heatsvc import __version__
from heatsvc.pipeline import PRESETS, STEPS
from heatsvc.pose import LAYOUTS
from tests.api.asking import CLIP, Asker


def test_layouts_are_listed_with_points_limbs_and_sides(service: Asker) -> None:
    layouts = {layout["name"]: layout for layout in service.get("/layouts").json()}
    assert set(layouts) == set(LAYOUTS)
    coco17 = layouts["coco17"]
    assert (coco17["count"], coco17["points"][0], len(coco17["limbs"])) == (17, "nose", 17)
    assert (coco17["left"], coco17["right"]) == ([1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16])
    assert layouts["sign27"]["limbs"][:3] == [[0, 1], [0, 2], [1, 3]]


def test_layouts_tell_what_can_be_selected_from_them(service: Asker) -> None:
    selects = {layout["name"]: set(layout["selects"]) for layout in service.get("/layouts").json()}
    for source in ("coco_wholebody", "openpose137", "mediapipe_holistic"):
        assert "sign27" in selects[source]
    assert {"coco17", "sign31", "sign59"} <= selects["coco_wholebody"]
    assert "coco_wholebody" not in selects["coco17"]


def test_pipelines_are_listed_with_their_parameters(service: Asker) -> None:
    told = service.get("/pipelines").json()
    steps = {step["type"]: {p["name"]: p for p in step["parameters"]} for step in told["steps"]}
    assert set(steps) == set(STEPS)
    assert steps["GeneratePoseTarget"]["sigma"]["default"] == 0.6
    assert steps["UniformSampleFrames"]["clip_len"]["required"]
    assert {preset["name"] for preset in told["presets"]} == set(PRESETS)
    assert (told["default"], told["reduce"]) == ("view", ["none", "max", "argmax"])


def test_live(service: Asker) -> None:
    assert service.get("/health/live").json() == {"status": "live"}


def test_ready(service: Asker) -> None:
    told = service.get("/health/ready").json()
    assert (told["status"], told["version"]) == ("ready", __version__)


def sample(service: Asker, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(service.get("/metrics").wire.decode()):
        for one in family.samples:
            if one.name == name and one.labels == labels:
                return one.value
    return 0.0


def test_metrics_count_what_was_answered(service: Asker) -> None:
    done = {"method": "POST", "route": "/heatmap", "status": "200"}
    names = ("heatsvc_requests_total", "heatsvc_clips_drawn_total", "heatsvc_body_bytes_total")
    labels = (done, {}, {"route": "/heatmap", "direction": "response"})
    before = [sample(service, name, **label) for name, label in zip(names, labels, strict=True)]
    answer = service.draw({"clips": [CLIP, CLIP]})
    after = [sample(service, name, **label) for name, label in zip(names, labels, strict=True)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2, len(answer.wire)]


@pytest.mark.parametrize("stage", ["read", "pipeline", "render", "encode"])
def test_metrics_tell_seconds_by_stage(service: Asker, stage: str) -> None:
    before = sample(service, "heatsvc_stage_seconds_count", stage=stage)
    service.draw(CLIP)
    assert sample(service, "heatsvc_stage_seconds_count", stage=stage) == before + 1


def test_metrics_tell_what_is_being_done(service: Asker) -> None:
    service.draw(CLIP)
    assert sample(service, "heatsvc_in_flight") == 1  # the one that asks


def test_metrics_have_one_label_for_all_unknown_addresses(service: Asker) -> None:
    for path in ("/a", "/b", "/heatmap/c"):
        service.get(path)
    assert sample(service, "heatsvc_requests_total", method="GET", route="unknown", status="404") >= 3
    assert b'"/b"' not in service.get("/metrics").wire


def test_documentation(service: Asker) -> None:
    page = service.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"/openapi.json" in page.wire


def test_documentation_needs_no_network(service: Asker) -> None:
    page = service.get("/docs").wire.decode()
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) >= 2
    for path in files:
        assert path.startswith("/docs-assets/")
        assert service.get(path).status == 200


@pytest.mark.parametrize("path", ["/heatmaps", "/health", "/heatmap/1", "/%2e%2e/etc/passwd", "/a%00b", "/\u20ac"])
def test_an_address_that_there_is_not(service: Asker, path: str) -> None:
    assert "see /docs" in service.get(path).problem(404)["detail"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_method_that_is_not_for_the_address(service: Asker, method: str) -> None:
    answer = service.ask(method, "/heatmap")
    assert answer.headers["allow"] == "POST"
    assert answer.problem(405)["detail"] == f"{method} is not for /heatmap: use POST"
