"""application/x-npz: a zip of .npy files as `np.savez_compressed` writes it, its members deflated from their runs.

The members are compressed already, so the body has no content coding if `Accept-Encoding` allows that. Sizes and
checksums follow each member (APPNOTE.TXT 4.3.9), so that the archive can be sent while it is rendered.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import ClassVar

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.codings.checksums import crc32_of_chunks
from heatsvc.encode.codings.deflate import END_OF_STREAM
from heatsvc.encode.codings.gzip import Gzip
from heatsvc.encode.formats.format import NO_METADATA, BodyWriter, Format
from heatsvc.encode.formats.npy import npy_header
from heatsvc.encode.job import PlannedVolume, check_sizes
from heatsvc.errors import InputError

# Local file header, data descriptor, central directory header, end of central directory
# (APPNOTE.TXT 4.3.7, 4.3.9, 4.3.12, 4.3.16).
_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTOR = struct.Struct("<4s3I")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_MAX_BYTES = 0xFFFF0000  # below 2**32 with the .npy header
_VERSION, _DEFLATED = 20, 8
_FLAGS = 1 << 11 | 1 << 3  # names in UTF-8; sizes and CRC-32 in a data descriptor
_DATE = 1 << 5 | 1  # 1980-01-01: the same volumes give the same bytes


class Npz(Format):
    """One member per clip, read by `np.load`."""

    media_type: ClassVar[str] = "application/x-npz"
    title: ClassVar[str] = "One compressed member per clip, named by its frame_dir, for numpy.load."
    compressed: ClassVar[bool] = True

    def tile_coding(self, coding: Coding) -> Coding:
        """gzip, whose deflate blocks and CRC-32 zip archives use too."""
        return Gzip()

    def writer(
        self,
        volumes: Sequence[PlannedVolume],
        coding: Coding,
        bounds: Bounds,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> BodyWriter:
        """Members, then their directory.

        Raises:
            InputError: the volumes have 4 GiB or more, which the format cannot hold, or a name is not allowed.
            LimitError: larger than `bounds` allow.
        """
        check_names([planned.name for planned in volumes])
        check_sizes(volumes, bounds)
        for planned in volumes:
            if planned.nbytes >= _MAX_BYTES:
                raise InputError(
                    f"{planned.name} has {planned.nbytes:,} bytes: a member of an npz must have less than 4 GiB",
                    field="Accept",
                )
        if sum(planned.max_encoded_bytes for planned in volumes) >= _MAX_BYTES:
            raise InputError("an npz must have less than 4 GiB: request application/vnd.safetensors", field="Accept")
        return _NpzWriter(volumes, coding, self.tile_coding(coding))


class _NpzWriter(BodyWriter):
    """Writes a local header, chunks and a data descriptor per volume, then the directory."""

    def __init__(self, volumes: Sequence[PlannedVolume], coding: Coding, tile_coding: Coding) -> None:
        super().__init__(volumes, coding, tile_coding, b"")
        self.length = None
        self.is_heavy = coding.name != "identity"
        self._compressor = coding.compressor()
        self._directory: list[bytes] = []
        self._offset = self._member = 0

    @property
    def overhead(self) -> int:
        return 256 + sum(512 + 2 * len(planned.name.encode()) for planned in self.volumes)

    def start(self) -> bytes:
        return b""

    def add(
        self, planned: PlannedVolume, chunk: EncodedChunk, *, first: bool, last: bool
    ) -> Sequence[bytes | memoryview]:
        parts: list[bytes | memoryview] = []
        if first:
            name = f"{planned.name}.npy".encode()
            local = _LOCAL.pack(b"PK\x03\x04", _VERSION, _FLAGS, _DEFLATED, 0, _DATE, 0, 0, 0, len(name), 0) + name
            header = self.tile_coding.encode_bytes(npy_header(planned.shape, planned.dtype))
            self._chunks = []
            self._remember(header)
            self._member = self._offset
            parts += (local, header.data)
        self._remember(chunk)
        parts.append(chunk.data)
        if last:
            parts.append(END_OF_STREAM)
        self._offset += sum(map(len, parts))
        if last:
            parts.append(self._close_member(planned))
        return self._compressed(parts)

    def _close_member(self, planned: PlannedVolume) -> bytes:
        """The data descriptor of a member. Its entry for the directory is stored."""
        name = f"{planned.name}.npy".encode()
        checksum, size = crc32_of_chunks(self._chunks)
        packed = self._offset - self._member - _LOCAL.size - len(name)
        fields = (_FLAGS, _DEFLATED, 0, _DATE, checksum, packed, size, len(name), 0)
        entry = _CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, *fields, 0, 0, 0, 0, self._member) + name
        self._directory.append(entry)
        self._offset += _DESCRIPTOR.size
        return _DESCRIPTOR.pack(b"PK\x07\x08", checksum, packed, size)

    def finish(self) -> bytes:
        central, count = b"".join(self._directory), len(self._directory)
        end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(central), self._offset, 0)
        return self._compressor.compress(central + end) + self._compressor.flush()

    def _compressed(self, parts: Sequence[bytes | memoryview]) -> Sequence[bytes | memoryview]:
        if not self.is_heavy:
            return parts
        return (self._compressor.compress(b"".join(parts)),)


def check_names(names: Sequence[str]) -> None:
    """Check that members are unpacked into the target folder, and that `np.load` can distinguish their names.

    Raises:
        InputError: they are not, or it cannot.
    """
    known = set(names)
    for name in names:
        if ".." in name.replace("\\", "/").split("/") or name.startswith(("/", "\\")) or name[1:2] == ":":
            raise InputError(
                f"{name!r:.100} cannot name a member of an npz, since unpacking it would leave its folder: "
                "change the clip's frame_dir, or request application/vnd.safetensors",
                field="frame_dir",
            )
        if f"{name}.npy" in known:
            raise InputError(
                f"{name!r:.100} and {name + '.npy'!r:.100} are the same name for numpy.load: "
                "change one frame_dir, or request application/vnd.safetensors",
                field="frame_dir",
            )
