"""The service in this process, once for all tests; and services of other settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from heatsvc.api import metrics
from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.api.client import Client


@contextmanager
def running(**settings: Any) -> Iterator[Client]:
    """A service of these settings, warm; the environment's own do not count."""
    client = Client(create_app(Settings(_env_file=None, access_log=False, **settings)))
    client.start()
    try:
        yield client
    finally:
        client.stop()


@pytest.fixture(autouse=True)
def no_metrics() -> None:
    """Metrics belong to the process: each test counts from zero."""
    for metric in (metrics.requests, metrics.request_seconds, metrics.batches, metrics.fallbacks):
        metric.clear()
    metrics.in_flight.set(0)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """The service with its default settings."""
    with running() as client:
        yield client


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    """A function that starts a service of the settings it is given."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running(**settings))
