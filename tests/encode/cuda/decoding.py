"""Pieces as bodies, read by the reference decoders."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import zstandard

from heatsvc.encode.codings import CODINGS, Piece

READ = {"zstd": lambda body: zstandard.ZstdDecompressor().decompress(body), "deflate": zlib.decompress}


def decoded(pieces: Sequence[Piece], coding: str) -> bytes:
    """What the reference decoder makes of a body of these pieces. It checks sizes, and Adler-32 where there is one."""
    form = CODINGS[coding]
    head, tail = form.head(sum(piece.size for piece in pieces)), form.tail(pieces)
    return READ[coding](b"".join((head, *(piece.data for piece in pieces), tail)))
