"""Server: connections are spread over those that listen at one address."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from heatsvc.api.board import Board
from heatsvc.api.server import Server

ANSWER = b"HTTP/1.1 204 No Content\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with nothing."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def with_servers(number: int, test: Callable[[list[Server], Board, int], Awaitable[None]], seats: int = 2) -> None:
    """Run a test with so many servers that listen at one port, of more seats."""

    async def run() -> None:
        board = Board(seats)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            for seat in board:
                seat.take()
            config = uvicorn.Config(app, lifespan="off", log_config=None, http="httptools")
            servers = [Server(config, board.seat(place)) for place in range(number)]
            # Each has the socket as a process of its own would, under a number of its own.
            tasks = [asyncio.create_task(server.serve([listening.dup()])) for server in servers]
            while not all(server.started for server in servers):
                await asyncio.sleep(0.01)
            await test(servers, board, listening.getsockname()[1])
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)

    # Not in the main thread, whose signals a server would take.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result(60)


async def answered(port: int) -> asyncio.StreamWriter:
    """A connection on which a request has been answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert await reader.readline() == ANSWER
    return writer


def connections(servers: list[Server]) -> list[int]:
    return [len(server.server_state.connections) for server in servers]


@pytest.mark.parametrize("number", [2, 5])
def test_connections_opened_at_once_are_spread_evenly(number: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("heatsvc.api.server.PATIENCE", 10.0)  # however busy the machine is
    monkeypatch.setattr("heatsvc.api.server.SILENCE", 10.0)

    async def test(servers: list[Server], board: Board, port: int) -> None:
        writers = await asyncio.gather(*(answered(port) for _ in range(4 * number)))
        assert connections(servers) == [4] * number
        for _ in range(1000):  # each tells of its own when it next looks
            if [seat.connections for seat in board] == [4] * number:
                break
            await asyncio.sleep(0.01)
        assert [seat.connections for seat in board] == [4] * number
        for writer in writers:
            writer.close()

    with_servers(number, test, seats=number)


def test_who_cannot_answer_yet_takes_no_connection():
    async def test(servers: list[Server], board: Board, port: int) -> None:
        set_up = False
        config = uvicorn.Config(app, lifespan="off", log_config=None, http="httptools")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            late = Server(config, board.seat(1), lambda: set_up)
            task = asyncio.create_task(late.serve([listening.dup()]))
            asking = asyncio.create_task(answered(listening.getsockname()[1]))
            assert not (await asyncio.wait((asking,), timeout=0.3))[0]
            assert connections([late]) == [0]
            set_up = True
            (await asking).close()
            late.should_exit = True
            await task

    with_servers(1, test)


def test_what_another_does_not_come_for_is_taken():
    async def test(servers: list[Server], board: Board, port: int) -> None:
        board.seat(1).beat = math.inf  # it seems to be well, has nothing to do, and does not come
        writers = [await answered(port) for _ in range(5)]
        assert connections(servers) == [5]
        for writer in writers:
            writer.close()

    with_servers(1, test)


def test_nothing_is_left_to_one_that_gives_no_sign_of_life():
    async def test(servers: list[Server], board: Board, port: int) -> None:
        writers = [await answered(port) for _ in range(3)]
        for beat, is_ahead in ((-math.inf, False), (math.inf, True)):
            board.seat(1).beat = beat
            assert servers[0].is_ahead is is_ahead
        board.seat(1).leave()
        assert not servers[0].is_ahead
        for writer in writers:
            writer.close()

    with_servers(1, test)


def test_a_connection_that_is_closed_at_once_does_no_harm():
    async def test(servers: list[Server], board: Board, port: int) -> None:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as client:
                # Closed with a reset, and not with a farewell.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        (await answered(port)).close()
        while connections(servers) != [0]:
            await asyncio.sleep(0.01)
        assert servers[0].coming == 0

    with_servers(1, test)
