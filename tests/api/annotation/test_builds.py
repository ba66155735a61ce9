"""Builds: 202, documents, events, cancellation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.api.annotation.conftest import Bench
from tests.api.annotation.forms import dataset
from tests.api.client import JSON

ASYNC = {"prefer": "respond-async"}
UNKNOWN = "0" * 32


def events(text: str) -> list[tuple[str, Any]]:
    """Names and data of a stream's events, as an EventSource would give them; comments left out."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


@pytest.fixture
def slow(bench: Bench):
    """A build in progress until the test sets `go_on`."""
    bench.worker.go_on.clear()
    yield lambda: bench.send(dataset("slow"), **ASYNC)
    bench.worker.go_on.set()
    bench.worker.end()


def test_respond_async_gets_202(bench: Bench, slow: Callable[..., Any]):
    response = slow()
    assert (response.status, response.headers["content-type"]) == (202, JSON)
    assert response.headers["preference-applied"] == "respond-async"
    assert response.headers["location"] == response.json()["links"]["self"] == f"/annotation/{response.json()['id']}"
    assert response.json()["state"] in ("queued", "running")


def test_a_running_build_has_progress(bench: Bench, slow: Callable[..., Any]):
    location = slow().headers["location"]
    while (response := bench.client.get(location)).json()["progress"]["stage"] != "keypoints":
        assert response.headers["retry-after"] == "1"
    document = response.json()
    assert document["state"] == "running"
    assert document["progress"] == {
        "stage": "keypoints",
        "files_read": 1,
        "files": 2,
        "clips_written": 0,
        "seconds": 0.5,
        "seconds_left": 3.0,
        "files_per_second": None,
        "report": {"splits": [], "faults": []},
    }
    assert response.headers["retry-after"] == "3"
    assert (document["artifacts"], document["links"]["report"]) == ([], None)
    bench.client.get(f"{location}/files/annotations.pkl").problem(404)


def test_a_large_form_gets_202(set_up: Callable[..., Bench]):
    bench = set_up(annotation_sync_bytes=1_000)
    bench.worker.go_on.clear()
    large = dataset("slow", keypoints={"a": bytes(2_000)})
    assert bench.send(large).status == 202
    assert "preference-applied" not in bench.send(large).headers
    bench.worker.go_on.set()
    assert bench.send(dataset()).status == 200


def test_a_long_build_gets_202_in_the_end(set_up: Callable[..., Bench]):
    bench = set_up(annotation_wait_seconds=0.2)
    assert bench.send(dataset("slow")).status == 202


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async, wait=1", "respond-async; x=1, wait=1"])
def test_prefer_wait(bench: Bench, slow: Callable[..., Any], prefer: str):
    assert bench.send(dataset("slow"), prefer=prefer).status == 202
    bench.worker.go_on.set()
    assert bench.send(dataset(), prefer=prefer.replace("wait=1", "wait=60")).status == 200


def test_a_finished_build_gets_200_at_once(set_up: Callable[..., Bench]):
    bench = set_up(annotation_sync_bytes=1)
    sent = dataset()
    location = bench.send(sent).headers["location"]
    while bench.client.get(location).json()["state"] != "done":
        pass
    assert bench.send(sent).status == 200


def test_events_report_progress_and_end_with_the_document(bench: Bench, slow: Callable[..., Any]):
    location = slow().headers["location"]

    async def watch() -> tuple[Any, str]:
        watching = asyncio.create_task(bench.client.send("GET", f"{location}/events"))
        while not bench.client.app.state.service.watchers.taken:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        bench.worker.go_on.set()
        response = await watching
        return response, response.wire.decode()

    response, text = bench.client.wait(watch())
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    found = events(text)
    assert {name for name, _ in found[:-1]} == {"progress"}
    assert found[-2][1]["progress"]["files"] == 2
    name, last = found[-1]
    assert (name, last) == ("done", bench.client.get(location).json())
    assert last["artifacts"]


def test_a_finished_build_has_one_event(bench: Bench):
    failed = bench.send(dataset("faulty")).problem(422)["build"]
    [(name, document)] = events(bench.client.get(f"{failed}/events").wire.decode())
    assert name == "failed"
    assert document["problem"]["faults"]["no_file"]["count"] == 7


def test_an_event_source_that_reconnects_after_the_last_event_gets_204(bench: Bench):
    build = bench.send(dataset(), accept=JSON).json()["links"]["events"]
    assert bench.client.get(build, {"last-event-id": "end"}).status == 204


def test_a_quiet_stream_has_a_heartbeat(bench: Bench, slow: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("heatsvc.api.routes.annotation.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("heatsvc.api.routes.annotation.TICK_SECONDS", 0.05)
    location = slow().headers["location"]

    async def watch() -> str:
        watching = asyncio.create_task(bench.client.send("GET", f"{location}/events"))
        await asyncio.sleep(1.5)
        bench.worker.go_on.set()
        return (await watching).wire.decode()

    assert bench.client.wait(watch()).count(": still there\n\n") >= 3


def test_many_clients_watch_one_build(bench: Bench, slow: Callable[..., Any]):
    location = slow().headers["location"]
    client = bench.client.app.state.service

    async def watch() -> list[Any]:
        watching = [asyncio.create_task(bench.client.send("GET", f"{location}/events")) for _ in range(50)]
        while client.watchers.taken < 50:
            await asyncio.sleep(0.01)
        bench.worker.go_on.set()
        return await asyncio.gather(*watching)

    responses = bench.client.wait(watch())
    assert [events(response.wire.decode())[-1][0] for response in responses] == ["done"] * 50
    assert client.poller.polled == 0
    assert client.watchers.taken == 0


def test_watchers_have_places_of_their_own(set_up: Callable[..., Bench]):
    bench = set_up(max_watchers=1)
    location = bench.send(dataset("slow"), **ASYNC).headers["location"]

    async def watch() -> tuple[int, int]:
        watching = asyncio.create_task(bench.client.send("GET", f"{location}/events"))
        while not bench.client.app.state.service.watchers.taken:
            await asyncio.sleep(0.01)
        refused = await bench.client.send("GET", f"{location}/events")
        other = await bench.client.send("GET", "/layouts")
        bench.worker.go_on.set()
        await watching
        refused.problem(503)
        return refused.status, other.status

    assert bench.client.wait(watch()) == (503, 200)


def test_without_a_place_to_wait_the_response_is_202(set_up: Callable[..., Bench]):
    bench = set_up(max_watchers=1)
    with bench.client.app.state.service.watchers.slot():
        assert bench.send(dataset()).status == 202


def test_a_build_continues_after_its_client_disconnects(bench: Bench, slow: Callable[..., Any]):
    sent = dataset("slow")

    async def hang_up() -> None:
        async def body() -> AsyncIterator[bytes]:
            yield sent.body

        send = asyncio.create_task(
            bench.client.send("POST", "/annotation", content=body(), headers={"content-type": sent.media_type})
        )
        while not bench.client.app.state.service.watchers.taken:
            await asyncio.sleep(0.01)
        send.cancel()
        await asyncio.sleep(0.1)

    bench.client.wait(hang_up())
    assert bench.client.app.state.service.watchers.taken == 0
    assert bench.client.app.state.service.poller.polled == 0
    bench.worker.go_on.set()
    assert bench.send(sent).status == 200


def test_the_newest_build_is_listed_first(bench: Bench):
    ids = [bench.send(dataset(), accept=JSON).json()["id"] for _ in range(3)]
    builds = bench.client.get("/annotation?limit=3").json()["builds"]
    assert [build["id"] for build in builds] == ids[::-1]
    assert len(bench.client.get("/annotation?limit=1").json()["builds"]) == 1


@pytest.mark.parametrize("limit", ["0", "1001", "many", ""])
def test_an_invalid_limit_is_a_problem(bench: Bench, limit: str):
    assert bench.client.get(f"/annotation?limit={limit}").problem(422)["field"] == "limit"


def test_delete_removes_a_build(bench: Bench):
    location = bench.send(dataset(), accept=JSON).json()["links"]["self"]
    response = bench.client.request("DELETE", location)
    assert (response.status, response.wire) == (204, b"")
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/files/annotations.pkl")):
        bench.client.request(method, location + path).problem(404)
    assert not (bench.data_dir / "builds" / location.rpartition("/")[2]).exists()


def test_delete_ends_a_running_build_and_its_watchers(bench: Bench, slow: Callable[..., Any]):
    location = slow().headers["location"]

    async def watch() -> tuple[int, str, int]:
        watching = asyncio.create_task(bench.client.send("GET", f"{location}/events"))
        waiting = asyncio.create_task(
            bench.client.send("POST", "/annotation", content=sent.body, headers={"content-type": sent.media_type})
        )
        while bench.client.app.state.service.watchers.taken < 2:
            await asyncio.sleep(0.01)
        deleted = await bench.client.send("DELETE", location)
        await bench.client.send("DELETE", f"/annotation/{(await last_id())}")
        return deleted.status, (await watching).wire.decode(), (await waiting).status

    async def last_id() -> str:
        return (await bench.client.send("GET", "/annotation?limit=1")).json()["builds"][0]["id"]  # type: ignore[no-any-return]

    sent = dataset("slow")
    status, text, waited = bench.client.wait(watch())
    assert status == 204
    assert events(text)[-1][0] == "cancelled"
    assert waited == 409


@pytest.mark.parametrize("id", [UNKNOWN, "a", "A" * 32, "0" * 31 + "g", "%2e%2e", "0" * 33, "%00" * 32, "é" * 32])
@pytest.mark.parametrize("path", ["", "/events", "/files/annotations.pkl"])
def test_a_missing_build_is_a_404(bench: Bench, id: str, path: str):
    for method in ("GET", "DELETE") if not path else ("GET",):
        bench.client.request(method, f"/annotation/{id}{path}").problem(404)


def test_metrics_have_routes_and_no_ids(bench: Bench):
    location = bench.send(dataset(), accept=JSON).json()["links"]["self"]
    for path in ("", "/events", "/files/report.json"):
        bench.client.get(location + path)
    metrics = bench.client.get("/metrics").wire.decode()
    assert location not in metrics
    for route in ("/annotation", "/annotation/{id}", "/annotation/{id}/events", "/annotation/{id}/files/{name}"):
        assert f'route="{route}"' in metrics
    name = 'heatsvc_body_bytes_total{direction="request",route="/annotation"}'
    assert float(metrics.split(f"\n{name} ")[1].split()[0]) > 0


def test_cors(set_up: Callable[..., Bench]):
    bench = set_up(cors_origins="https://page.example")
    origin = {"origin": "https://page.example"}
    document = {**origin, "access-control-request-method": "DELETE"}
    allowed = bench.client.request("OPTIONS", f"/annotation/{UNKNOWN}", headers=document).headers
    assert "DELETE" in allowed["access-control-allow-methods"]
    exposed = bench.client.get("/annotation", origin).headers["access-control-expose-headers"]
    assert {"Location", "ETag", "Content-Range"} <= set(exposed.split(", "))
