"""API keys, CORS, the limit of requests in flight, and the access log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from heatsvc.api.middleware import DrainRequestBodyMiddleware, RequestLogMiddleware
from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.api.client import CLIP, HEATMAP, JSON, Client, Response

Serve = Callable[..., Client]
ORIGIN = "https://keypoints.example"
PREFLIGHT = {"origin": ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "x-a"}


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic first", "first", "Bearer firs"])
def test_without_a_key_a_request_is_refused(serve: Serve, sent: str | None) -> None:
    client = serve(api_keys="first, second")
    response = client.post_json(CLIP, **({} if sent is None else {"authorization": sent}))
    assert "Authorization: Bearer" in response.problem(401)["detail"]
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_each_key_is_accepted(serve: Serve) -> None:
    client = serve(api_keys="first, second")
    for sent in ("Bearer first", "bearer second", "BEARER  second "):
        assert client.post_json(CLIP, authorization=sent).status == 200


def test_health_metrics_page_and_documentation_need_no_key_and_the_rest_does(serve: Serve) -> None:
    client = serve(api_keys="first")
    documentation = ("/docs", "/openapi.json", "/docs-assets/swagger-ui.css")
    for path in ("/health/live", "/health/ready", "/metrics", "/", "/static/app.js", *documentation):
        assert client.get(path).status == 200
    for path in ("/layouts", "/annotation", "/docs-assets", "/docs/", "/static", "/clips", "/nowhere"):
        assert client.get(path).status == 401


def test_below_a_root_path_the_same_needs_a_key(serve: Serve) -> None:
    client = serve(api_keys="first")
    transport = httpx.ASGITransport(client.app, root_path="/prefix")

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://heatsvc") as prefixed:
            return [
                (await prefixed.get(f"/prefix{path}")).status_code for path in ("/health/live", "/docs", "/layouts")
            ]

    assert client.wait(statuses()) == [200, 200, 401]


def test_links_begin_with_the_root_path(client: Client) -> None:
    transport = httpx.ASGITransport(client.app, root_path="/prefix")

    async def pages() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://heatsvc") as prefixed:
            return (
                await prefixed.get("/prefix/"),
                await prefixed.get("/prefix/docs"),
                await prefixed.get("/prefix/openapi.json"),
            )

    root, page, document = client.wait(pages())
    assert not re.findall(r'(?:src|href)="/', root.text)  # relative to wherever it is
    assert "url: '/prefix/openapi.json'" in page.text
    assert all(path.startswith("/prefix/docs-assets/") for path in re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert document.json()["servers"][0] == {"url": "/prefix"}


def test_keys_are_not_shown(serve: Serve) -> None:
    settings = serve(api_keys="very-secret").app.state.service.settings
    assert "very-secret" not in repr(settings) + str(settings.model_dump())


def test_cors_is_off(client: Client) -> None:
    response = client.post_json(CLIP, origin=ORIGIN)
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert client.request("OPTIONS", HEATMAP, headers=PREFLIGHT).status == 405


def test_cors_allows_the_configured_origins(serve: Serve) -> None:
    open_to_one = serve(cors_origins=ORIGIN)
    response = open_to_one.post_json(CLIP, origin=ORIGIN)
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Heatmap-Seed" in response.headers["access-control-expose-headers"]
    assert open_to_one.request("OPTIONS", HEATMAP, headers=PREFLIGHT).status == 200
    other = open_to_one.post_json(CLIP, origin="https://elsewhere.example")
    assert "access-control-allow-origin" not in other.headers


def test_pages_of_configured_origins_may_read_problems_too(serve: Serve) -> None:
    response = serve(cors_origins=ORIGIN, api_keys="first").post_json(CLIP, origin=ORIGIN)
    assert (response.status, response.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_requests_over_max_in_flight_get_503(serve: Serve) -> None:
    small = serve(max_in_flight=1)

    async def at_the_same_time() -> tuple[Response, Response, Response, Response]:
        rest_may_come = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            yield json.dumps(CLIP).encode()
            await rest_may_come.wait()

        headers = {"content-type": JSON}
        first = asyncio.create_task(small.send("POST", HEATMAP, content=slow_body(), headers=headers))
        await asyncio.sleep(0.05)
        second = await small.send("POST", HEATMAP, json=CLIP)
        live = await small.send("GET", "/health/live")
        rest_may_come.set()
        return await first, second, live, await small.send("POST", HEATMAP, json=CLIP)

    first, second, live, third = small.wait(at_the_same_time())
    problem = second.problem(503)
    assert (problem["setting"], problem["limit"]) == ("HEATSVC_MAX_IN_FLIGHT", 1)
    assert int(second.headers["retry-after"]) >= 1
    assert (first.status, live.status, third.status) == (200, 200, 200)


def test_an_exception_that_nothing_handles_is_a_500_and_one_line_of_the_log(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve()

    @client.app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    with structlog.testing.capture_logs() as lines:
        response = client.get("/broken", {"x-request-id": "mine"})
    assert "secret" not in str(response.problem(500))
    assert response.headers["x-request-id"] == "mine"
    (line,) = lines
    assert (line["event"], line["request_id"], line["log_level"]) == ("request failed", "mine", "error")


@pytest.mark.parametrize("error", [ClientDisconnect, asyncio.CancelledError])
def test_a_disconnected_client_is_logged_as_499(
    error: type[BaseException], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    scope = {"type": "http", "method": "POST", "path": "/heatmap", "headers": [], "client": ("192.0.2.1", 1)}
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(RequestLogMiddleware(app, access_log=True)(scope, None, None))  # type: ignore[arg-type]
    line = json.loads(capfdbinary.readouterr().err)
    assert (line["event"], line["status"], line["client"]) == ("request", 499, "192.0.2.1")


@pytest.mark.parametrize(
    ("headers", "messages", "read"),
    [
        ([(b"connection", b"close")], 3, 3),
        ([(b"connection", b"keep-alive")], 3, 0),
        ([(b"connection", b"close")], 10**9, 1024),
    ],
)
def test_what_is_left_of_a_body_is_read_before_the_connection_closes(
    headers: list[tuple[bytes, bytes]], messages: int, read: int
) -> None:
    received = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": received < messages}

    async def send(message: Message) -> None:
        sent.append(message | {"received": received})

    scope = {"type": "http", "headers": headers, "http_version": "1.1"}
    app = DrainRequestBodyMiddleware(PlainTextResponse("too large", 413), seconds=60)
    asyncio.run(app(scope, receive, send))
    assert received == read
    assert b"".join(message.get("body", b"") for message in sent) == b"too large"
    assert not sent[-1].get("more_body")
    assert [message["received"] for message in sent[:2]] == [0, 0]  # the response leaves before anything is read


def test_before_a_device_is_selected_the_service_is_live_and_not_ready() -> None:
    cold = Client(create_app(Settings(_env_file=None, access_log=False)))
    cold.open()
    try:
        assert cold.get("/health/live").status == 200
        for response in (cold.get("/health/ready"), cold.post_json(CLIP)):
            assert "the service is starting" in response.problem(503)["detail"]
            assert int(response.headers["retry-after"]) >= 1
    finally:
        cold.close()
