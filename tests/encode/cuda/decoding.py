"""Pieces as bodies, read by the reference decoders."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import zstandard

from heatsvc.encode.codings import CODINGS, EncodedChunk

READ = {"zstd": lambda body: zstandard.ZstdDecompressor().decompress(body), "deflate": zlib.decompress}


def decoded(chunks: Sequence[EncodedChunk], coding: str) -> bytes:
    """What the reference decoder makes of a body of these chunks. It checks sizes, and Adler-32 where there is one."""
    form = CODINGS[coding]
    head, tail = form.head(sum(chunk.size for chunk in chunks)), form.tail(chunks)
    return READ[coding](b"".join((head, *(chunk.data for chunk in chunks), tail)))
