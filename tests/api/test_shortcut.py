"""The way past FastAPI's layers: nobody can tell it from the long one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from heatsvc.api.shortcut import ShortcutApp
from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.api.asking import CLIP, DRAW, HEATMAP, Answer, Asker

_SETTINGS = Settings(_env_file=None, access_log=False)


class Layer:
    """What somebody who embeds the app may put around it; counts the requests that pass."""

    passed = 0

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        Layer.passed += scope["type"] == "http"
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def long_way() -> Iterator[Asker]:
    """A service with a layer more, whose requests go through all of them."""
    app = create_app(_SETTINGS)
    app.add_middleware(Layer)
    asker = Asker(app)
    asker.start()
    yield asker
    asker.stop()


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """What an answer says, without what differs from one to the next."""
    changing = {"x-request-id", "server-timing", "date"}
    headers = {name: value for name, value in answer.headers.items() if name not in changing}
    return answer.status, headers, answer.wire


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", HEATMAP, {**CLIP, "pipeline": DRAW}),
        ("POST", HEATMAP, {**CLIP, "pipeline": [{"type": "Flop"}]}),
        ("POST", HEATMAP, {**CLIP, "colour": 1}),
        ("POST", HEATMAP + "?seed=1", {**CLIP}),
        ("POST", HEATMAP + "/", {**CLIP}),
        ("GET", HEATMAP, None),
        ("POST", "/nowhere", {**CLIP}),
    ],
)
def test_answers_are_those_of_the_long_way(
    service: Asker, long_way: Asker, method: str, path: str, body: dict[str, object] | None
) -> None:
    before = Layer.passed
    here, there = service.ask(method, path, json=body), long_way.ask(method, path, json=body)
    assert told(here) == told(there)
    assert Layer.passed == before + 1


def test_the_shortcut_passes_the_layers_by(service: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    service.draw({**CLIP, "pipeline": DRAW}).array()

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the long way was taken")

    monkeypatch.setattr(service.app, "middleware_stack", broken)
    service.draw({**CLIP, "pipeline": DRAW}).array()


def test_what_is_traced_takes_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "heatmaps")
    app = create_app(_SETTINGS)
    assert isinstance(app, ShortcutApp)
    app.build_middleware_stack()
    assert app._short is None
