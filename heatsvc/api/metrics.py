"""Metrics: what `GET /metrics` tells a Prometheus server."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

router = APIRouter(tags=["service"])

_STAGE_SECONDS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30)
_REQUEST_SECONDS = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30, 60)
STAGES = ("read", "pipeline", "draw", "encode")


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "heatsvc_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "heatsvc_request_seconds",
            "From a request's start to its answer's end.",
            ("route",),
            buckets=_REQUEST_SECONDS,
            registry=self.registry,
        )
        stages = Histogram(
            "heatsvc_stage_seconds",
            "Of a heatmap request, by stage; draw and encode are summed over threads.",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=self.registry,
        )
        self.stages = {stage: stages.labels(stage) for stage in STAGES}
        self.bytes_in = Counter("heatsvc_body_bytes", "Bytes of heatmap request bodies.", registry=self.registry)
        self.bytes_out = Counter("heatsvc_answer_bytes", "Bytes of heatmap answers.", registry=self.registry)
        self.clips = Counter("heatsvc_clips_drawn", "Clips drawn.", registry=self.registry)
        self.in_flight = Gauge("heatsvc_in_flight", "Requests being answered.", registry=self.registry)
        self.waiting = Gauge("heatsvc_queue", "Requests that wait for a thread.", registry=self.registry)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the path of a known route, so that the labels stay few."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


@router.get("/metrics", summary="Counters for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, seconds by stage, bytes in and out, clips drawn, requests in flight and waiting."""
    registry = request.app.state.service.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
