"""CheckToken: a callback as a CancelToken, for callers that still have one. Goes with the last of them."""

from __future__ import annotations

from collections.abc import Callable

from heatsvc.cancel import CancelToken


class CheckToken(CancelToken):
    """Calls `check` where work asks whether to go on.

    Args:
        check: raises what should end the work.
    """

    __slots__ = ("_check",)

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def raise_if_cancelled(self) -> None:
        """Raise what `check` raises."""
        self._check()
