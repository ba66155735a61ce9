"""Writer: a head and its body are one write to the system, and no head waits for longer than the loop's turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

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


def test_everything_else_is_the_transports() -> None:
    async def test(writer: Writer, transport: Transport) -> None:
        assert writer.get_extra_info("socket", "none") == transport.get_extra_info("socket", "none")
        assert writer.is_closing() is False

    with_writer(test)
