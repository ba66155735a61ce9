"""Connections: those to a SQLite file that was damaged under them are given up for new ones."""

from __future__ import annotations

import sqlite3

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR})
_KIND = 0xFF
"""SQLite's extended codes have the kind of error in their lowest eight bits."""
_MARK = "heatsvc: saw damage"


def renew_damaged() -> None:
    """Have every engine of this process give up a connection that found its SQLite file damaged, once it is put back.

    A connection keeps the pages that it has read for as long as the file's change counter stands where it stood. What
    it read of a file that was damaged for a while (a disk that fails, a backup put back) it would keep for good, and
    go on calling a file malformed that is whole again.
    """
    if not event.contains(Engine, "handle_error", _mark):
        event.listen(Engine, "handle_error", _mark)
        event.listen(Pool, "checkout", _refuse_marked)


def _mark(context: ExceptionContext) -> None:
    error = context.original_exception
    if context.connection is None or not isinstance(error, sqlite3.Error):
        return
    if getattr(error, "sqlite_errorcode", 0) & _KIND in _DAMAGED:
        context.connection.info[_MARK] = True


def _refuse_marked(_connection: object, entry: ConnectionPoolEntry, _fairy: object) -> None:
    # Not is_disconnect, at the error: that closes the connection with its transaction open, and SQLite keeps the lock
    # until the last cursor, which the error's traceback holds, is collected.
    if _MARK in entry.info:
        raise DisconnectionError("its file was damaged")
