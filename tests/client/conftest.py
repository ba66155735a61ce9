"""The service for the clients, and both clients behind one face."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina

from heatsvc.client import AsyncClient, Client
from tests.client.servers import Service, running_service

Call = Callable[..., Any]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with its default settings."""
    with running_service(tmp_path_factory.mktemp("data")) as service:
        yield service


@pytest.fixture(params=["Client", "AsyncClient"])
def call(request: pytest.FixtureRequest) -> Call:
    """A function that calls a method of either client: ``call(url, "heatmap", clip, img_shape=(64, 64))``.

    `client` has arguments of the client itself. Of an iterator the items are returned as a list.
    """

    def call(url: str, method: str, *args: Any, client: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        given = {"timeout": 20.0, **(client or {})}
        if request.param == "Client":
            with Client(url, **given) as synchronous:
                result = getattr(synchronous, method)(*args, **kwargs)
                return list(result) if inspect.isgenerator(result) else result

        async def run() -> Any:
            async with AsyncClient(url, **given) as asynchronous:
                result = getattr(asynchronous, method)(*args, **kwargs)
                return [item async for item in result] if inspect.isasyncgen(result) else await result

        return asyncio.run(run())

    return call


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The seconds that were waited before each retry."""
    seconds: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: seconds.append(details.wait_for)])
    try:
        yield seconds
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
