"""Limits: the size and the speed of a request's body, and the budgets that all requests of a process share."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from starlette.requests import ClientDisconnect, Request

from heatsvc.api.problems import RequestError, busy
from heatsvc.cancel import CancelToken
from heatsvc.errors import LimitError
from heatsvc.settings import Settings

UNBUDGETED_BYTES = 64 << 10
"""Bodies up to this size take nothing from a budget: uvicorn buffers as many bytes for each connection."""

# After the first `idle_seconds`, slower bodies are refused: they occupy memory or a slot that others need.
_MIN_BYTES_PER_SECOND = 4 << 10
_RESERVED_STEP = 1 << 20


class SharedBudget:
    """An amount that requests share: bytes of memory, or slots. A request waits until its amount is free.

    Waiting requests are served in the order of their arrival.

    Args:
        limit: the amount; a request for more gets all of it.
        setting: the name of the setting, for messages.
        wait_seconds: how long a request waits before it is refused; the total over all budgets.

    Attributes:
        used: the amount that is taken now.
        peak: the largest amount that was taken at a time.
    """

    def __init__(self, limit: int, setting: str, wait_seconds: float) -> None:
        self.limit = limit
        self.used = self.peak = 0
        self._setting = setting
        self._wait_seconds = wait_seconds
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def try_acquire(self, amount: int) -> bool:
        """Take an amount if it is free and no other request waits."""
        if self._waiting or self.used + min(amount, self.limit) > self.limit:
            return False
        self._take(min(amount, self.limit))
        return True

    async def acquire(self, amount: int, token: CancelToken | None = None) -> None:
        """Take an amount as soon as it is free.

        Args:
            amount: the amount to take.
            token: the request's token, which sums up how long the request has waited. None waits without a limit, for
                a response that has begun.

        Raises:
            RequestError: 503, the request has waited `wait_seconds`.
        """
        if self.try_acquire(amount):
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (min(amount, self.limit), granted)
        self._waiting.append(entry)
        started = time.monotonic()
        try:
            async with asyncio.timeout(None if token is None else max(0.0, self._wait_seconds - token.waited)):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():
                self.release(amount)  # it was granted at the moment when the wait ended
            else:
                with suppress(ValueError):  # it may have been removed already
                    self._waiting.remove(entry)
                self._grant_waiting()  # requests behind it may need less
            if isinstance(error, TimeoutError):
                raise self.refusal() from None
            raise
        finally:
            if token is not None:
                token.waited += time.monotonic() - started

    def refusal(self) -> RequestError:
        """The 503 error of a request that has waited `wait_seconds`."""
        return busy(
            f"the service is busy: {self._setting} was exhausted for {self._wait_seconds:g} s",
            retry_after=max(1, round(self._wait_seconds)),
        )

    def release(self, amount: int) -> None:
        """Give an amount back."""
        self.used -= min(amount, self.limit)
        self._grant_waiting()

    async def reserve(self, amount: int, token: CancelToken | None = None) -> Reservation:
        """Take an amount that can be reduced later; arguments and errors are those of `acquire`."""
        await self.acquire(amount, token)
        return Reservation(self, min(amount, self.limit))

    def _grant_waiting(self) -> None:
        """Grant waiting requests their amounts, in order, until one needs more than is free."""
        while self._waiting and (self._waiting[0][1].done() or self.used + self._waiting[0][0] <= self.limit):
            amount, granted = self._waiting.popleft()
            if not granted.done():
                self._take(amount)
                granted.set_result(None)

    def _take(self, amount: int) -> None:
        self.used += amount
        self.peak = max(self.peak, self.used)


class Reservation:
    """An amount that one request has taken from a budget. As a context manager it gives the amount back at the end."""

    def __init__(self, budget: SharedBudget, amount: int) -> None:
        self._budget = budget
        self._amount = amount

    def shrink(self, amount: int) -> None:
        """Reduce the reservation to this amount; a larger amount changes nothing."""
        kept = min(amount, self._amount)
        self._budget.release(self._amount - kept)
        self._amount = kept

    def __enter__(self) -> Self:
        """Return the reservation, which has been taken already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the amount back."""
        self.shrink(0)


class ConcurrencyLimit:
    """Slots for long requests of one kind; without a free slot a request is refused at once.

    Attributes:
        taken: the number of slots that are taken.
    """

    def __init__(self, setting: str, limit: int) -> None:
        self.taken = 0
        self._setting = setting
        self._limit = limit

    @property
    def free(self) -> int:
        """The number of free slots."""
        return self._limit - self.taken

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Occupy a slot during the block; raise 503 if all are taken."""
        if self.free < 1:
            raise busy(
                f"{self._limit} requests of this kind are in flight already (setting {self._setting})", retry_after=10
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


class BodyReader:
    """Reads the body of a request in pieces, with limits on its size and duration.

    Args:
        request: a request whose body has not been read.
        settings: `idle_seconds` limits the time without data.
        setting: the name of the setting that limits the size.
        token: the body must arrive before its deadline. None sets no deadline.
        budget: the memory that a body of more than `UNBUDGETED_BYTES` takes, until `release`.

    Attributes:
        size: bytes received so far.
        more: whether more is expected.
    """

    def __init__(
        self,
        request: Request,
        settings: Settings,
        setting: str = "max_body_bytes",
        *,
        token: CancelToken | None = None,
        budget: SharedBudget | None = None,
    ) -> None:
        self.size = 0
        self.more = True
        self._request = request
        self._settings = settings
        self._setting = setting
        self._limit: int = getattr(settings, setting)
        self._token = token
        self._budget = budget
        self._reserved = 0
        self._started = time.monotonic()
        self._length = 0
        for name, value in request.scope["headers"]:
            if name == b"content-length" and value.isdigit():
                self._length = int(value)
        self._check_size(self._length)

    async def receive(self) -> bytes:
        """The next piece of the body.

        Raises:
            LimitError: the body is larger than the setting allows.
            RequestError: 408, the body arrives too slowly; 503, the budget is used up.
            ClientDisconnect: the client disconnected.
        """
        idle = self._settings.idle_seconds
        remaining = math.inf if self._token is None or self._token.remaining is None else self._token.remaining
        try:
            async with asyncio.timeout(min(idle, remaining)):
                message = await self._request.receive()
        except TimeoutError:
            raise self._too_slow(idle <= remaining) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        data: bytes = message.get("body", b"")
        self.more = message.get("more_body", False)
        self._check_size(self.size + len(data))
        if self._budget is not None:
            await self._reserve(self._budget, self.size + len(data))
        self.size += len(data)
        late = time.monotonic() - self._started - self._settings.idle_seconds
        if self.more and self.size < _MIN_BYTES_PER_SECOND * late:
            raise RequestError(
                408,
                f"the body arrives at less than {_MIN_BYTES_PER_SECOND:,} bytes per second, for longer than "
                f"{self._settings.idle_seconds:g} s (setting HEATSVC_IDLE_SECONDS)",
                headers={"Connection": "close"},
            )
        return data

    async def _reserve(self, budget: SharedBudget, size: int) -> None:
        """Take the memory for a large body from the budget, all at once if its length is known.

        If bodies took their memory piece by piece, many could have part of what they need, and none all of it.
        """
        if max(size, self._length) <= UNBUDGETED_BYTES or size <= self._reserved:
            return
        wanted = max(self._length, self._reserved + _RESERVED_STEP)
        started = time.monotonic()
        await budget.acquire(wanted - self._reserved, self._token)
        self._started += time.monotonic() - started  # while it waited, nothing was received
        self._reserved = wanted

    async def read(self) -> bytes:
        """The rest of the body; raises what `receive` raises."""
        data = await self.receive()
        if not self.more:
            return data
        pieces = [data]
        while self.more:
            pieces.append(await self.receive())
        return b"".join(pieces)

    def release(self) -> None:
        """Give the body's memory back to the budget."""
        if self._budget is not None:
            self._budget.release(self._reserved)
            self._budget = None

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise LimitError(
                f"the body has {size:,} bytes or more",
                bound=self._setting,
                limit=self._limit,
                got=size,
            )

    def _too_slow(self, is_idle: bool) -> RequestError:
        return RequestError(
            408,
            f"no data of the body arrived for {self._settings.idle_seconds:g} s (setting HEATSVC_IDLE_SECONDS)"
            if is_idle
            else f"the body took longer than {self._settings.request_seconds:g} s (setting HEATSVC_REQUEST_SECONDS)",
            headers={"Connection": "close"},
        )
