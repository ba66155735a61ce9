"""Server: uvicorn's, for one of several processes that listen at one address.

Where processes simply share a listening socket, the one that wakes up first takes all connections that are there, and
clients keep them: of eight opened at once one of two processes often had all eight, with the other one idle. Here a
process that has more than another leaves a new one to that one, for a moment: of eight it mostly had four or five.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import time
from collections.abc import Callable
from typing import Any

import uvicorn

from heatsvc.api.board import Seat

PATIENCE = 0.03
"""Seconds for which a connection is left to others."""

# Seconds between looks at one that is; and after which one is again, where others did not come for the last one.
_PAUSE = 0.003
_EPISODE = 1.0
SILENCE = 0.35
"""Seconds without a sign of life, of which there are ten a second, after which nothing is left to a process."""

# Seconds between looks at whether it can answer.
_SOON = 0.01

# Seconds to wait where there is no room for a connection: files, memory.
_NO_ROOM_PAUSE = 1.0
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Server(uvicorn.Server):
    """One process's server.

    Attributes:
        coming: connections that are accepted, and not yet among those served.

    Args:
        config: uvicorn's.
        seat: where it tells how many connections it has, and sees how many others have.
        is_set_up: whether it can answer by now.
    """

    def __init__(self, config: uvicorn.Config, seat: Seat, is_set_up: Callable[[], bool] = lambda: True) -> None:
        super().__init__(config)
        self.coming = 0
        self._seat = seat
        self._is_set_up = is_set_up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections on sockets that listen, once this one can answer: until then others have them."""
        await super().startup(sockets=[])
        while not (self._is_set_up() or self.should_exit):
            await asyncio.sleep(_SOON)
        self.servers += [_Listener(self, each) for each in sockets or ()]  # type: ignore[misc]

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        self._seat.beat = time.monotonic()
        self.tell()
        return await super().on_tick(counter)

    def tell(self) -> int:
        """Let others see how many connections there are here; returns it."""
        self._seat.connections = number = self.coming + len(self.server_state.connections)
        return number

    @property
    def is_ahead(self) -> bool:
        """Whether another process that is well has fewer connections than this one."""
        own, earliest = self.tell(), time.monotonic() - SILENCE
        return any(seat.connections < own and seat.beat > earliest for seat in self._seat.board if seat.pid)

    async def take(self, connection: socket.socket) -> None:
        """Serve a connection that is counted as coming."""
        config, state = self.config, self.server_state

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=state, app_state=self.lifespan.state
            )

        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, made = await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
            if self.should_exit:
                made.shutdown()  # type: ignore[attr-defined]
        except OSError:  # the client is gone already
            connection.close()
        finally:
            self.coming -= 1


class _Listener:
    """Accepts connections on one socket; stands where uvicorn has asyncio's own."""

    def __init__(self, server: Server, listening: socket.socket) -> None:
        self._server = server
        self._socket = listening
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._left_at = -math.inf
        self._tasks: set[asyncio.Task[Any]] = set()
        listening.setblocking(False)
        self._loop.add_reader(listening, self._come)

    def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._socket)
        if self._timer is not None:
            self._timer.cancel()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _come(self) -> None:
        """A connection is there, for whoever accepts it first."""
        if self._server.is_ahead:
            now = self._loop.time()
            if now - self._left_at > _EPISODE:
                self._left_at = now
            if now - self._left_at < PATIENCE:
                self._rest(_PAUSE)
                return
        else:
            self._left_at = -math.inf
        self._accept()

    def _go_on(self) -> None:
        self._timer = None
        self._loop.add_reader(self._socket, self._come)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._socket)
        self._timer = self._loop.call_later(seconds, self._go_on)

    def _accept(self) -> None:
        """Take one connection, if it is still there."""
        try:
            connection, _ = self._socket.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._rest(_NO_ROOM_PAUSE)
            return
        connection.setblocking(False)
        self._server.coming += 1
        self._server.tell()
        task = self._loop.create_task(self._server.take(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
