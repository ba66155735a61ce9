"""Prometheus metrics, and `GET /metrics`.

With several worker processes prometheus-client works in its multiprocess mode, which it enters when it is imported with
`PROMETHEUS_MULTIPROC_DIR` in the environment; `heatsvc serve` sets that variable.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.responses import Response

from heatsvc.api.problems import NEEDS_NO_KEY, problem_responses

router = APIRouter(tags=["service"], responses=problem_responses(500))
_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names prometheus-client's folder; set where several processes serve."""

_SECONDS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Values of the label `method`; all other methods are counted as `other`."""
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

disable_created_metrics()  # type: ignore[no-untyped-call]

requests = Counter("heatsvc_requests", "Requests, by method, route and status.", ["method", "route", "status"])
request_seconds = Histogram("heatsvc_request_seconds", "Duration of a request.", ["route"], buckets=_SECONDS)
in_flight = Gauge("heatsvc_in_flight", "Requests in progress.", multiprocess_mode="livesum")
body_bytes = Counter("heatsvc_body_bytes", "Bytes of request and response bodies.", ["route", "direction"])
clips = Counter(
    "heatsvc_clips_drawn",
    "Clips rendered, by the worst finding in their numbers, or `none`.",
    ["finding"],
)
stage_seconds = Histogram(
    "heatsvc_stage_seconds",
    "Duration of a stage of a heatmap response, summed over threads.",
    ["stage"],
    buckets=_SECONDS,
)
batches = Histogram("heatsvc_batch_tasks", "Work items in a batch.", ["device"], buckets=_SIZES)
fallbacks = Counter(
    "heatsvc_device_fallbacks",
    "Number of times that the CPU replaced the GPU: for a clip too large for its memory, or for good after a failure.",
    ["reason"],
)


def remove_dead_processes() -> None:
    """Remove the gauges of worker processes that were killed; their counters stay."""
    folder = os.environ.get(MULTIPROCESS_DIR)
    for path in Path(folder).glob("gauge_live*.db") if folder else ():
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
        except PermissionError:
            continue


@router.get(
    "/metrics",
    response_description="The metrics, in the text format of Prometheus.",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses=_RESPONSES,
    openapi_extra=NEEDS_NO_KEY,
)
def metrics() -> Response:
    """Requests, durations, bodies, clips, batches and requests in progress, summed over all worker processes."""
    registry = REGISTRY
    if MULTIPROCESS_DIR in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
