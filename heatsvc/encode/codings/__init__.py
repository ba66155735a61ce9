"""Content codings, the preferred one first. To add one, add a file and a line here."""

from __future__ import annotations

from heatsvc.encode.codings.coding import Coding, EncodedChunk
from heatsvc.encode.codings.deflate import Deflate
from heatsvc.encode.codings.gzip import Gzip
from heatsvc.encode.codings.identity import Identity
from heatsvc.encode.codings.zstd import Zstd

CODINGS: dict[str, Coding] = {coding.name: coding for coding in (Zstd(), Deflate(), Gzip(), Identity())}

# Fast and small zstd for all types of pixels; the one in CODINGS chooses by the type.
ZSTD: dict[str, Zstd] = {"fast": Zstd(small=False), "small": Zstd(small=True)}

__all__ = ["CODINGS", "ZSTD", "Coding", "EncodedChunk", "Zstd"]
