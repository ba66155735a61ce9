"""Board: memory that the serving processes of one service have in common; each writes in its own seat alone.

It is made before they are forked, has no name, and is gone with the last of them.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterator

ROOM = 1 << 20
"""Bytes that a seat can hold at most. What was never written takes no memory."""

_HEAD = 4096
SEAT = _HEAD + 2 * ROOM
"""Bytes that a seat takes up."""

# Places in a seat's head, which is of 64-bit integers.
_PID, _CONNECTIONS, _BUFFERS = 0, 1, 2
_SEQUENCE, _LENGTH, _CHECKSUM = 0, 1, 2
# The last eight bytes of the head are a float.
_BEAT = _HEAD - 8
_TRIES = 4


class Board:
    """Seats, one a process.

    Args:
        seats: how many.
    """

    def __init__(self, seats: int) -> None:
        memory = memoryview(mmap.mmap(-1, seats * SEAT))
        self._seats = [Seat(self, number, memory[number * SEAT :][:SEAT]) for number in range(seats)]

    def seat(self, number: int) -> Seat:
        """The seat of that number, from 0."""
        return self._seats[number]

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats)


class Seat:
    """What one process tells the others; the process that follows it when it has died finds it there.

    Attributes:
        board: all seats.
        number: this one's.
    """

    def __init__(self, board: Board, number: int, memory: memoryview) -> None:
        self.board = board
        self.number = number
        self._head = memory[:_HEAD].cast("q")
        self._beat = memory[_BEAT : _BEAT + 8].cast("d")
        self._buffers = [memory[_HEAD : _HEAD + ROOM], memory[_HEAD + ROOM :]]

    @property
    def pid(self) -> int:
        """The process that sits here; 0 where none does."""
        return self._head[_PID]

    @property
    def connections(self) -> int:
        """Open connections of that process."""
        return self._head[_CONNECTIONS]

    @connections.setter
    def connections(self, number: int) -> None:
        self._head[_CONNECTIONS] = number

    @property
    def beat(self) -> float:
        """When that process last gave a sign of life, by `time.monotonic`, which is the same to all of them."""
        return self._beat[0]

    @beat.setter
    def beat(self, at: float) -> None:
        self._beat[0] = at

    def take(self) -> None:
        """Sit here: to be called by the process itself."""
        self._head[_CONNECTIONS] = 0
        self._head[_PID] = os.getpid()

    def leave(self) -> None:
        """Nobody sits here any more; what was written stays."""
        self._head[_PID] = 0

    def write(self, content: bytes) -> bool:
        """Put something in the place of what was there; False where it is longer than ROOM, and nothing is done.

        There are two buffers, of which the older one is overwritten: whoever is killed over it leaves the other.
        """
        if len(content) > ROOM:
            return False
        sequences = [self._field(buffer, _SEQUENCE) for buffer in (0, 1)]
        older = sequences.index(min(sequences))
        self._set(older, _SEQUENCE, 0)
        self._buffers[older][: len(content)] = content
        self._set(older, _LENGTH, len(content))
        self._set(older, _CHECKSUM, zlib.crc32(content))
        self._set(older, _SEQUENCE, max(sequences) + 1)
        return True

    def read(self) -> bytes:
        """What was written last, as a whole; nothing where nothing was."""
        for _ in range(_TRIES):
            newest = max((0, 1), key=lambda buffer: self._field(buffer, _SEQUENCE))
            for buffer in (newest, 1 - newest):
                if not self._field(buffer, _SEQUENCE):
                    continue
                content = bytes(self._buffers[buffer][: max(0, self._field(buffer, _LENGTH))])
                # It may be written to at this moment.
                if zlib.crc32(content) == self._field(buffer, _CHECKSUM):
                    return content
        return b""

    def _field(self, buffer: int, field: int) -> int:
        return self._head[_BUFFERS + 3 * buffer + field]

    def _set(self, buffer: int, field: int, value: int) -> None:
        self._head[_BUFFERS + 3 * buffer + field] = value
