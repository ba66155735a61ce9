"""Content codings, the preferred one first. To add one is to add a file and a line here."""

from __future__ import annotations

from heatsvc.encode.codings.coding import Coding, EncodedChunk
from heatsvc.encode.codings.deflate import Deflate
from heatsvc.encode.codings.gzip import Gzip
from heatsvc.encode.codings.identity import Identity
from heatsvc.encode.codings.zstd import Zstd

CODINGS: dict[str, Coding] = {coding.name: coding for coding in (Zstd(), Deflate(), Gzip(), Identity())}

# zstd written fast, and written small, whatever the pixels are; the one in CODINGS selects by their type.
ZSTD: dict[str, Zstd] = {"fast": Zstd(small=False), "small": Zstd(small=True)}

__all__ = ["CODINGS", "ZSTD", "Coding", "EncodedChunk", "Zstd"]
