"""Who may ask, from where, and how many at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.api.asking import CLIP, HEATMAP, JSON, Answer, Asker

Serve = Callable[..., Asker]
ORIGIN = "https://keypoints.example"
PREFLIGHT = {"origin": ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "x-a"}


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic first", "first", "Bearer firs"])
def test_without_a_key_nothing_is_drawn(serve: Serve, sent: str | None) -> None:
    locked = serve(api_keys="first, second")
    answer = locked.draw(CLIP, **({} if sent is None else {"authorization": sent}))
    assert "Authorization: Bearer" in answer.problem(401)["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_each_key_opens(serve: Serve) -> None:
    locked = serve(api_keys="first, second")
    for sent in ("Bearer first", "bearer second", "BEARER  second "):
        assert locked.draw(CLIP, authorization=sent).status == 200


def test_health_and_metrics_need_no_key_and_the_rest_does(serve: Serve) -> None:
    locked = serve(api_keys="first")
    answers = {path: locked.get(path).status for path in ("/health/live", "/health/ready", "/metrics", "/layouts")}
    assert answers == {"/health/live": 200, "/health/ready": 200, "/metrics": 200, "/layouts": 401}


def test_keys_are_not_shown(serve: Serve) -> None:
    settings = serve(api_keys="very-secret").app.state.service.settings
    assert "very-secret" not in repr(settings) + str(settings.model_dump())


def test_cors_is_off(service: Asker) -> None:
    answer = service.draw(CLIP, origin=ORIGIN)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert service.ask("OPTIONS", HEATMAP, headers=PREFLIGHT).status == 405


def test_cors_lets_the_origins_in_that_are_set(serve: Serve) -> None:
    open_to_one = serve(cors_origins=ORIGIN)
    answer = open_to_one.draw(CLIP, origin=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Heatmap-Seed" in answer.headers["access-control-expose-headers"]
    assert open_to_one.ask("OPTIONS", HEATMAP, headers=PREFLIGHT).status == 200
    other = open_to_one.draw(CLIP, origin="https://elsewhere.example")
    assert "access-control-allow-origin" not in other.headers


def test_pages_of_other_origins_may_read_problems_too(serve: Serve) -> None:
    answer = serve(cors_origins=ORIGIN, api_keys="first").draw(CLIP, origin=ORIGIN)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_over_the_limit_of_requests_in_flight_is_503(serve: Serve) -> None:
    small = serve(max_in_flight=1)

    async def at_the_same_time() -> tuple[Answer, Answer, Answer, Answer]:
        go_on = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            yield json.dumps(CLIP).encode()
            await go_on.wait()

        headers = {"content-type": JSON}
        first = asyncio.create_task(small.asking("POST", HEATMAP, content=slow_body(), headers=headers))
        await asyncio.sleep(0.05)
        second = await small.asking("POST", HEATMAP, json=CLIP)
        live = await small.asking("GET", "/health/live")
        go_on.set()
        return await first, second, live, await small.asking("POST", HEATMAP, json=CLIP)

    first, second, live, third = small.wait(at_the_same_time())
    problem = second.problem(503)
    assert (problem["setting"], problem["limit"]) == ("HEATSVC_MAX_IN_FLIGHT", 1)
    assert int(second.headers["retry-after"]) >= 1
    assert (first.status, live.status, third.status) == (200, 200, 200)


def test_before_it_is_warm_it_lives_and_is_not_ready() -> None:
    cold = Asker(create_app(Settings(_env_file=None, access_log=False)))
    cold.open()
    try:
        assert cold.get("/health/live").status == 200
        for answer in (cold.get("/health/ready"), cold.draw(CLIP)):
            assert "compiling" in answer.problem(503)["detail"]
            assert int(answer.headers["retry-after"]) >= 1
    finally:
        cold.close()
