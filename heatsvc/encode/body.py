"""Body: the bytes of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heatsvc.encode.codings import Coding, EncodedChunk


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
        return sum(map(len, self.chunks))


def body_behind(header: bytes, size: int, coding: Coding, drawn: Sequence[Sequence[EncodedChunk]]) -> Body:
    """A header, and the pieces of drawings one after the other, as one coded body.

    Args:
        header: not coded yet.
        size: bytes of all that is drawn, before coding.
        coding: of the pieces, and of the body.
        drawn: the coded pieces of each drawing.
    """
    pieces = [coding.encode_bytes(header)]
    for of_one in drawn:
        pieces += of_one
    chunks: list[bytes | memoryview] = []
    if head := coding.head(len(header) + size):
        chunks.append(head)
    chunks += [piece.data for piece in pieces if len(piece.data)]
    if tail := coding.tail(pieces):
        chunks.append(tail)
    return Body(chunks, coding.name)
