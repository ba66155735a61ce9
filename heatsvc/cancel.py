"""CancelToken: cancels work on request or at a deadline."""

from __future__ import annotations

import time


class CancelledError(Exception):
    """The work was cancelled: its client disconnected, or the build was cancelled."""


class DeadlineError(Exception):
    """The work has not ended before its deadline."""


class CancelToken:
    """A deadline and a flag that another thread may set. Long work checks it between its steps.

    Args:
        seconds: time from now until the deadline; None for no deadline.

    Attributes:
        waited: total time in seconds that the work has waited for memory or a slot.
    """

    __slots__ = ("_cancelled", "_deadline", "seconds", "waited")

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.waited = 0.0
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._cancelled = False

    def cancel(self) -> None:
        """Cancel the work: its next `raise_if_cancelled` raises."""
        self._cancelled = True

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, at least 0; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def remove_deadline(self) -> None:
        """Remove the deadline."""
        self._deadline = None

    def raise_if_cancelled(self) -> None:
        """Raise an error if the work is cancelled or its deadline has passed.

        Raises:
            CancelledError: `cancel` was called.
            DeadlineError: the deadline has passed.
        """
        if self._cancelled:
            raise CancelledError
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise DeadlineError(f"the work took longer than {self.seconds:g} s")


NEVER_CANCELLED = CancelToken()
"""For work that cannot be cancelled."""
