"""Data folders with SQLite and with PostgreSQL; HEATSVC_TEST_DATABASE_URL is a server that databases may be made on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.durable.place import Site, site

SERVER = "HEATSVC_TEST_DATABASE_URL"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a server its tests are left out; where HEATSVC_TEST_ALL is set they stay, and fail."""
    if os.environ.get("HEATSVC_TEST_ALL") or os.environ.get(SERVER):
        return
    missing = [item for item in items if item.get_closest_marker("postgresql")]
    config.hook.pytest_deselected(items=missing)
    items[:] = [item for item in items if item not in missing]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgresql: not collected where no server is given")


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a new database."""
    server = sa.make_url(os.environ[SERVER]).set(drivername="postgresql+psycopg")
    name = f"heatsvc_test_{secrets.token_hex(6)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A data folder, once with each database."""
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    with site(tmp_path / "data", url) as made:
        yield made


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Site]:
    """A data folder with SQLite."""
    with site(tmp_path / "data") as made:
        yield made
