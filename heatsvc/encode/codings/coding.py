"""Coding: a content coding that is written from pieces, each made without the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from heatsvc.render.pixels import PixelRuns, SeparablePatches


@dataclass(frozen=True, slots=True)
class Piece:
    """A coded stretch of a body.

    Attributes:
        data: its bytes, to be sent as they are.
        size: bytes of the stretch before coding.
        check: its checksum, where the coding has one.
    """

    data: bytes | memoryview
    size: int
    check: int = 0


class Coding(Protocol):
    """A body is `head`, the pieces in order, and `tail`. Pieces may be made by several threads at once."""

    name: ClassVar[str]

    def head(self, size: int) -> bytes:
        """The bytes before the first piece of a body of `size` bytes."""

    def encode_bytes(self, data: bytes) -> Piece:
        """A stretch told by its bytes, such as a header."""

    def encode_runs(self, runs: PixelRuns) -> Piece:
        """A stretch told by its runs: never made dense on the way, but for identity, which is."""

    @property
    def encode_patches(self) -> Callable[[SeparablePatches], Piece] | None:
        """Codes a stretch told by its patches; None for a coding that takes runs only."""

    def tail(self, pieces: Sequence[Piece]) -> bytes:
        """The bytes after the last piece."""

    def compress(self, data: bytes) -> bytes:
        """A whole body that is not made of runs, such as JSON."""

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """An upper bound of the coded bytes of `size` bytes with so many non-zero pixels, in so many runs."""
