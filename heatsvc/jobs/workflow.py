"""The workflow of a build, as DBOS knows it.

DBOS keeps that a build is to be done, hands it to one worker, and keeps handing it out until it was done. It has one
step: how far that one came is in the build's folder, so that the same step, called again, goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable

from dbos import DBOS

from heatsvc.jobs.ledger import WORKFLOW


def register(run: Callable[[str], str]) -> None:
    """Tell DBOS how a build is done; before it is launched, once in a process.

    Args:
        run: called with the build's id; returns how it ended.
    """

    @DBOS.step(name=f"{WORKFLOW}.run")
    def step(id: str) -> str:
        return run(id)

    # No most attempts here: the folder counts those that came no further, and DBOS all of them.
    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
    def workflow(id: str) -> str:
        return step(id)
