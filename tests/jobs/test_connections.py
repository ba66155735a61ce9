"""A SQLite file that was damaged for a while is read anew once it is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from heatsvc.jobs.connections import renew_damaged

HEADER = 100
"""Bytes in front of a SQLite file, with the counter by which connections see that others have changed it."""


@pytest.fixture
def count(tmp_path: Path) -> Callable[[], int]:
    """Rows of a table, through connections that are kept."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (1), (2), (3)"))
    engine.dispose()

    def count() -> int:
        with engine.connect() as connection:
            return connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one()

    return count


@pytest.mark.parametrize("kept", [0, HEADER])
def test_a_file_that_was_damaged_is_read_again(tmp_path: Path, count: Callable[[], int], kept: int):
    renew_damaged()
    renew_damaged()
    database = tmp_path / "a.sqlite"
    content = database.read_bytes()
    database.write_bytes(content[:kept] + b"x" * (len(content) - kept))
    for _ in range(2):
        with pytest.raises(sa.exc.DatabaseError):
            count()
    database.write_bytes(content)
    assert count() == 3


def test_other_errors_keep_their_connection(count: Callable[[], int], tmp_path: Path):
    renew_damaged()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError) as raised:
        connection.execute(sa.text("SELECT * FROM no_such_table"))
    assert not raised.value.connection_invalidated
    assert count() == 3
