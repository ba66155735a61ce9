"""A service with a data directory of its own, and a thread that replaces its build workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.annotation.fake_worker import Worker
from tests.api.annotation.forms import Form
from tests.api.client import Client, Response
from tests.api.conftest import running


@dataclass(frozen=True)
class Bench:
    """A service and its build worker."""

    client: Client
    worker: Worker
    data_dir: Path

    def send(self, form: Form, path: str = "/annotation", **headers: str) -> Response:
        """POST a form; a header `accept_encoding=...` for each keyword."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request("POST", path, content=form.body, headers={"content-type": form.media_type, **named})

    def left(self) -> list[Path]:
        """Files of uploads on disk."""
        return [path for name in ("uploads", "removed") for path in (self.data_dir / name).rglob("*")]


@contextmanager
def benched(data_dir: Path, **settings: Any) -> Iterator[Bench]:
    """A service of these settings."""
    with running(data_dir=data_dir, build_workers=0, **settings) as client:
        worker = Worker(data_dir)
        worker.start()
        try:
            yield Bench(client, worker, data_dir)
        finally:
            worker.stop()


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all tests that leave the settings alone."""
    with benched(tmp_path_factory.mktemp("data")) as bench:
        yield bench


@pytest.fixture
def set_up(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """A function that starts one of the settings it is given."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(benched(tmp_path / "data", **settings))
