"""Ledger: which builds are waiting and who works on which, in DBOS's tables.

It hands each build to one worker. What became of a build stands in its folder; where both differ the folder is right,
and the workers' rounds bring the ledger in line with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from heatsvc.jobs.connections import renew_damaged

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "heatsvc"
VERSION = "1"
"""DBOS hands a workflow to workers of its own version only. Builds outlive upgrades: their version stays as it is."""
QUEUE = "builds"
WORKFLOW = "build"

_AT_ONCE = 500
_CONNECT_SECONDS = "5"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger has on a build.

    Attributes:
        status: DBOS's: ENQUEUED, PENDING, SUCCESS, ERROR, CANCELLED, ...
        worker: the name of the worker that it was last handed to.
    """

    status: str
    worker: str | None


class Ledger:
    """The builds' table, from outside of DBOS's own process; every method may raise what the database raises.

    Args:
        url: of the database.

    Raises:
        OSError: a SQLite file that no worker has made yet.
    """

    def __init__(self, url: str):
        # Here, and not above: it takes a second and some ten megabytes, and a service without builds needs neither.
        from dbos import DBOSClient

        renew_damaged()
        location = make_url(url)
        if location.drivername == "sqlite":
            open(location.database or "", "rb").close()
        elif "connect_timeout" not in location.query:
            location = location.update_query_dict({"connect_timeout": _CONNECT_SECONDS})
        self._client: DBOSClient = DBOSClient(
            system_database_url=location.render_as_string(hide_password=False),
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()

    def book(self, id: str) -> None:
        """Have a worker build it; nothing happens if it is booked already."""
        self._client.enqueue(
            {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": id, "app_version": VERSION}, id
        )

    def entries(self, ids: Sequence[str]) -> dict[str, Entry]:
        """What there is on these builds."""
        found = {}
        for start in range(0, len(ids), _AT_ONCE):
            for status in self._client.list_workflows(
                workflow_ids=list(ids[start : start + _AT_ONCE]), load_input=False, load_output=False
            ):
                found[status.workflow_id] = Entry(status.status, status.executor_id)
        return found

    def all_ids(self) -> list[str]:
        """Every build that it knows."""
        rows = self._client.list_workflows(name=WORKFLOW, load_input=False, load_output=False)
        return [row.workflow_id for row in rows]

    def book_again(self, id: str, entry: Entry | None) -> None:
        """Have a worker build it, although it may be booked, handed out or done with."""
        if entry is not None and entry.status in ("PENDING", "CANCELLED"):
            self._client.resume_workflow(id, queue_name=QUEUE)
            return
        if entry is not None:
            self.strike([id])
        self.book(id)

    def strike(self, ids: Iterable[str]) -> None:
        """Know nothing of these builds any more."""
        all_ids = list(ids)
        for start in range(0, len(all_ids), _AT_ONCE):
            self._client.delete_workflows(all_ids[start : start + _AT_ONCE])
