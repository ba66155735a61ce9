"""A token that is cancelled while work goes on."""

from __future__ import annotations

from heatsvc.cancel import CancelToken


class CountingToken(CancelToken):
    """Cancelled when it is checked for the `limit`-th time."""

    def __init__(self, limit: int = 1) -> None:
        super().__init__()
        self.calls, self.limit = 0, limit

    def raise_if_cancelled(self) -> None:
        self.calls += 1
        if self.calls >= self.limit:
            self.cancel()
        super().raise_if_cancelled()
