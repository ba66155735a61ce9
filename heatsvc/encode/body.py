"""Body: the bytes of an answer, made of parts that are coded piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from heatsvc.draw.cpu import Piece as MapPiece
from heatsvc.encode.codings import Coding, Piece
from heatsvc.encode.crew import Crew
from heatsvc.encode.drawing import Drawing


@dataclass(frozen=True, slots=True)
class Body:
    """What goes out, in chunks that are sent one after the other.

    Attributes:
        chunks: the coded bytes.
        coding: the content coding's name, `identity` for none.
    """

    chunks: list[bytes | memoryview]
    coding: str

    @property
    def length(self) -> int:
        """Bytes in all."""
        return sum(len(chunk) for chunk in self.chunks)


def code_parts(parts: Sequence[bytes | Drawing], coding: Coding, crew: Crew) -> Body:
    """Bytes and drawings one after the other, as one coded body."""
    size = sum(part.nbytes if isinstance(part, Drawing) else len(part) for part in parts)
    pieces = code_pieces(parts, coding, crew)
    chunks = [coding.head(size), *(piece.data for piece in pieces), coding.tail(pieces)]
    return Body([chunk for chunk in chunks if len(chunk)], coding.name)


def code_pieces(parts: Sequence[bytes | Drawing], coding: Coding, crew: Crew) -> list[Piece]:
    """The same without head and tail, for a form that has its own."""
    return crew.map(lambda task: _code(task, coding, crew), _tasks(parts))


def _tasks(parts: Sequence[bytes | Drawing]) -> list[bytes | tuple[Drawing, MapPiece]]:
    tasks: list[bytes | tuple[Drawing, MapPiece]] = []
    for part in parts:
        if isinstance(part, Drawing):
            tasks.extend((part, piece) for piece in part.pieces)
        else:
            tasks.append(part)
    return tasks


def _code(task: bytes | tuple[Drawing, MapPiece], coding: Coding, crew: Crew) -> Piece:
    if isinstance(task, bytes):
        return coding.code_bytes(task)
    drawing, piece = task
    started = perf_counter()
    runs = drawing.draw(piece, crew.check)
    drawn = perf_counter()
    coded = coding.code_runs(runs)
    crew.spent.append((drawn - started, perf_counter() - drawn))
    return coded
