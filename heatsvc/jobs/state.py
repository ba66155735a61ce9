"""BuildState: what can be told of a build at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heatsvc.annotation.progress import Progress
from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.outcome import Outcome

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class BuildState:
    """What can be told of a build.

    Attributes:
        id: 32 hexadecimal digits.
        state: queued until somebody works on it, running until there is an outcome, and then the outcome's; cancelled
            as soon as somebody asked for it.
        created: when it was sent, in seconds since 1970.
        progress: how far it is, or was.
        outcome: how it ended; None until it has.
    """

    id: str
    state: State
    created: float
    progress: Progress
    outcome: Outcome | None


def state_of(folder: BuildFolder, *, report: bool = True) -> BuildState | None:
    """What can be told of a build; None where there is none.

    Args:
        folder: where it lies.
        report: whether the outcome's report is wanted; it may be large.
    """
    try:
        created = folder.created()
    except OSError:
        return None
    progress, outcome = folder.progress(), folder.outcome(report=report)
    if folder.is_cancelled:
        # It may take a moment to end; to clients it has, and what came of it meanwhile is of no interest.
        return BuildState(folder.id, "cancelled", created, progress, outcome)
    if outcome is not None:
        return BuildState(folder.id, outcome.state, created, progress, outcome)
    return BuildState(folder.id, "queued" if progress.stage == "waiting" else "running", created, progress, None)
