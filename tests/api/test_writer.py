"""Writer: a head and its body are one write to the system, and no head waits for longer than the loop's turn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from starlette.types import Receive, Scope, Send

from heatsvc.api.connection import Connection
from heatsvc.api.writer import Writer

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000


class Transport(asyncio.Transport):
    """Remembers what reaches the system, and in how many calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: object) -> None:
        """One call."""
        self.calls.append(bytes(data))  # type: ignore[call-overload]

    def writelines(self, parts: object) -> None:
        """One call, of several parts."""
        self.calls.append(b"".join(map(bytes, parts)))  # type: ignore[call-overload]

    def get_write_buffer_size(self) -> int:
        """As if the system had taken all."""
        return 0

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed

    def close(self) -> None:
        """Say so."""
        self.closed = True


def with_writer(test: Callable[[Writer, Transport], Awaitable[None]]) -> None:
    async def run() -> None:
        transport = Transport()
        await test(Writer(transport, asyncio.get_running_loop()), transport)

    asyncio.run(run())


def test_a_head_and_its_body_are_one_call() -> None:
    async def test(writer: Writer, transport: Transport) -> None:
        writer.write(HEAD)
        assert (transport.calls, writer.get_write_buffer_size()) == ([], len(HEAD))
        writer.write(memoryview(BODY))
        assert (transport.calls, writer.get_write_buffer_size()) == ([HEAD + BODY], 0)
        await asyncio.sleep(0)
        writer.write(BODY)
        assert transport.calls[1:] == [BODY]

    with_writer(test)


def test_a_head_without_a_body_goes_out_with_the_loops_next_turn() -> None:
    async def test(writer: Writer, transport: Transport) -> None:
        writer.write(HEAD)
        await asyncio.sleep(0)
        assert transport.calls == [HEAD]
        writer.write(b"data: 1\n\n")
        await asyncio.sleep(0)
        assert transport.calls[1:] == [b"data: 1\n\n"]

    with_writer(test)


def test_what_is_held_goes_out_before_a_close_and_not_after_one() -> None:
    async def test(writer: Writer, transport: Transport) -> None:
        writer.write(HEAD)
        writer.close()
        assert (transport.calls, transport.closed) == ([HEAD], True)
        writer.write(HEAD)
        await asyncio.sleep(0)
        assert transport.calls == [HEAD]

    with_writer(test)


def test_a_client_that_sends_no_more_gets_what_is_held() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body"})  # the third write, which is held

    async def run() -> None:
        config = uvicorn.Config(app, lifespan="off", log_config=None, http=Connection)
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            task = asyncio.create_task(server.serve([listening]))
            for _ in range(20):
                reader, writer = await asyncio.open_connection(*listening.getsockname())
                writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                writer.write_eof()
                answer = await asyncio.wait_for(reader.read(), 10)
                assert answer.endswith(b"\r\n\r\n3\r\none\r\n0\r\n\r\n")
                writer.close()
            server.should_exit = True
            await task

    # Not in the main thread, whose signals a server would take.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result(60)


def test_everything_else_is_the_transports() -> None:
    async def test(writer: Writer, transport: Transport) -> None:
        assert writer.get_extra_info("socket", "none") == transport.get_extra_info("socket", "none")
        assert writer.is_closing() is False

    with_writer(test)
