"""application/x-npz: a zip of .npy files as `np.savez_compressed` writes it, its members deflated from their runs.

The members are compressed already, so the body as a whole goes without a content coding wherever that is allowed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from heatsvc.bounds import Bounds
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.codings.checksums import crc32_of_chunks
from heatsvc.encode.codings.deflate import END_OF_STREAM
from heatsvc.encode.codings.gzip import Gzip
from heatsvc.encode.drawing import Drawing, check_sizes
from heatsvc.encode.formats.npy import npy_header
from heatsvc.encode.layout import Layout
from heatsvc.errors import InputError

# Local file header, central directory header, end of central directory (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16).
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_MOST = 0xFFFF0000  # with the .npy header under 2**32
_VERSION, _UTF8, _DEFLATED = 20, 1 << 11, 8
_CODING = Gzip()  # for its deflate blocks and its CRC-32, which a zip has too
_DATE = 1 << 5 | 1  # 1980-01-01: the same volumes give the same bytes


class Npz:
    """One member a clip, read by `np.load`."""

    media_type: ClassVar[str] = "application/x-npz"
    title: ClassVar[str] = "One member a clip, named by its frame_dir, for numpy.load; compressed in itself."
    many: ClassVar[bool] = True
    compressed: ClassVar[bool] = True

    def layout(self, drawings: Sequence[Drawing], coding: Coding, bounds: Bounds) -> Layout:
        """Members, then their directory.

        Raises:
            InputError: a member of 4 GiB or more, which the format cannot hold, or a name that no member should have.
            LimitError: larger than `bounds` allow.
        """
        _check_names([drawing.name for drawing in drawings])
        check_sizes(drawings, _CODING, bounds)
        for drawing in drawings:
            if drawing.nbytes >= _MOST:
                raise InputError(
                    f"{drawing.name} has {drawing.nbytes:,} bytes: a member of an npz has under 4 GiB", field="Accept"
                )
        return Layout(drawings, _CODING, partial(_archive, drawings, coding))


def _archive(drawings: Sequence[Drawing], coding: Coding, drawn: Sequence[Sequence[EncodedChunk]]) -> Body:
    """The members, made of the pieces of each drawing, and their directory."""
    chunks: list[bytes | memoryview] = []
    directory: list[bytes] = []
    at = 0
    for drawing, behind in zip(drawings, drawn, strict=True):
        name = f"{drawing.name}.npy".encode()
        pieces = [_CODING.encode_bytes(npy_header(drawing.shape, drawing.dtype)), *behind]
        check, size = crc32_of_chunks(pieces)
        member = [*(piece.data for piece in pieces), END_OF_STREAM]
        coded = sum(map(len, member))
        fields = (_UTF8, _DEFLATED, 0, _DATE, check, coded, size, len(name), 0)
        local = _LOCAL.pack(b"PK\x03\x04", _VERSION, *fields) + name
        directory.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, *fields, 0, 0, 0, 0, at) + name)
        chunks += [local, *member]
        at += len(local) + coded
    central = b"".join(directory)
    chunks += [central, _END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(central), at, 0)]
    if coding.name == "identity":
        return Body(chunks, coding.name)
    return Body([coding.compress(b"".join(chunks))], coding.name)


def _check_names(names: Sequence[str]) -> None:
    """Members must stay in the folder they are unpacked to, and `np.load` must tell them apart.

    Raises:
        InputError: an absolute name or one that leads upwards; or `a` and `a.npy`, which `np.load` takes for one.
    """
    known = set(names)
    for name in names:
        if ".." in name.replace("\\", "/").split("/") or name.startswith(("/", "\\")) or name[1:2] == ":":
            raise InputError(
                f"{name!r:.100} cannot name a member of an npz, since unpacking it would leave its folder: "
                "give the clip another frame_dir, or ask for application/vnd.safetensors",
                field="frame_dir",
            )
        if f"{name}.npy" in known:
            raise InputError(
                f"{name!r:.100} and {name + '.npy'!r:.100} are one name to numpy.load: "
                "give one another frame_dir, or ask for application/vnd.safetensors",
                field="frame_dir",
            )
