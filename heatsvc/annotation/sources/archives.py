"""Lists the files of archives on disk, so that each can be read without unpacking the whole archive."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.pose.archives.formats import (
    COMPRESSION_ERRORS,
    HEAD,
    MAX_LEVEL,
    MAX_WINDOW,
    UNPACK,
    Compression,
    compression_of,
    describe_error,
    is_archive_name,
    is_tar,
    is_zip,
    without_archive_extension,
)
from heatsvc.pose.archives.limits import BoundedFile, UnpackLimits
from heatsvc.pose.archives.tar import list_tar
from heatsvc.pose.archives.unreadable import is_document
from heatsvc.pose.archives.zip import check_member, is_hidden, list_members
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.npz import KEYPOINT, is_one_clip

_CHUNK = 1 << 20
# Bytes of an entry in a zip archive's directory.
_ZIP_ENTRY = 256
_RATIO_FROM = 64 << 20
_EXAMPLES = 3


class ArchiveLister:
    """Lists the files of one archive, and of the archives in it.

    Args:
        source: the archive.
        unpacked: the file to which a compressed tar archive is unpacked; archives in it are unpacked to files next to
            it. Existing files are used.
        wanted: selects files by name.
        bounds: max_dataset_files, max_dataset_bytes and max_archive_ratio, over all levels.
        token: checked regularly.

    Attributes:
        notes: assumptions that were made, and files that were ignored, as sentences.
    """

    def __init__(
        self, source: InputFile, unpacked: Path, wanted: Callable[[str], bool], bounds: Bounds, token: CancelToken
    ) -> None:
        self.notes: list[str] = []
        self._source, self._unpacked, self._wanted, self._token = source, unpacked, wanted, token
        self._bounds = bounds
        self._limits = UnpackLimits(
            bounds,
            source.path.stat().st_size,
            source.name,
            members="max_dataset_files",
            size="max_dataset_bytes",
            ratio_from=_RATIO_FROM,
        )
        self._inner = self._size = 0

    def files(self) -> list[StoredFile] | None:
        """The selected files; None if the content is not that of an archive.

        An `.npz` of one clip is not an archive if keypoints are wanted. Links and devices are ignored.

        Raises:
            PoseError: the archive is damaged, a file is encrypted or has an unsupported compression, a name is not
                relative or occurs twice, or archives are nested more than two deep.
            LimitError: the number of files, their size, or their compression ratio exceeds a bound.
        """
        files = self._list(self._source.path, self._unpacked, self._source.name, "", 0)
        seen: set[str] = set()
        for file in files or ():
            if file.name in seen:
                raise PoseError(
                    f"two files in the archive are called {file.name!r:.120}: remove one", file=self._source.name
                )
            seen.add(file.name)
        return files

    def _list(self, path: Path, unpacked: Path, name: str, folder: str, level: int) -> list[StoredFile] | None:
        """The files of the archive at `path`, with `folder` as prefix of their names."""
        with path.open("rb") as file:
            head = file.read(HEAD)
            if is_zip(head) and not is_document(head):
                return self._zip(path, file, name, folder, level)
            if (compression := compression_of(head)) is not None:
                beginning = next(self._decompressed(file, compression, HEAD), b"")
                # An empty file, or one of zeros, is an empty tar archive.
                if not is_tar(beginning) and beginning.strip(b"\0"):
                    return None
                self._write(unpacked, self._decompressed(file, compression, _CHUNK))
                path = unpacked
            elif not is_tar(head):
                return None
        with path.open("rb") as file:
            return self._tar(path, file, name, folder, level)

    def _check_level(self, name: str, level: int) -> None:
        if level > MAX_LEVEL:
            raise PoseError(
                f"{name!r:.120} is an archive in an archive in an archive: {UNPACK}", file=self._source.name
            )

    def _zip(self, path: Path, file: BinaryIO, name: str, folder: str, level: int) -> list[StoredFile] | None:
        bounded = BoundedFile(file, self._bounds.max_dataset_files * _ZIP_ENTRY, name)
        members = list_members(cast(BinaryIO, bounded), file=name)
        names = [info.filename for info in members.infos]
        if self._wanted(KEYPOINT) and is_one_clip(names, name):
            return None
        self._check_level(name, level)
        self._limits.add_members(len(names))
        self._note_encoding(members.encoding, name, names)
        found = []
        for info in members.infos:
            is_inner = self._is_inner(info.filename)
            if not is_inner and not self._wanted(info.filename):
                continue
            member = check_member(info, file=name)
            deflated = info.compress_type == zipfile.ZIP_DEFLATED
            stored = StoredFile(
                folder + member, str(path), info.header_offset, info.compress_size, True, deflated, info.file_size
            )
            if is_inner:
                found += self._inner_files(stored, member, folder, level)
            else:
                self._add(info.file_size)
                found.append(stored)
        return found

    def _tar(self, path: Path, file: BinaryIO, name: str, folder: str, level: int) -> list[StoredFile]:
        self._check_level(name, level)

        def is_listed(member: str) -> bool:
            return self._wanted(member) or self._is_inner(member)

        members = list_tar(file, is_listed, self._limits, self._token, name=name)
        self._note_encoding(members.encoding, name, [member.name for member in members.files])
        if members.links:
            self.notes.append(
                f"links in {name} are not followed ({len(members.links):,}, such as {members.links[0]:.80}): "
                "pack the files themselves (tar -h)"
            )
        found = []
        for member, offset, size in members.files:
            stored = StoredFile(folder + member, str(path), offset, size)
            if self._is_inner(member):
                found += self._inner_files(stored, member, folder, level)
            else:
                self._add(size)
                found.append(stored)
        return found

    def _is_inner(self, name: str) -> bool:
        return is_archive_name(name) and not is_hidden(name)

    def _inner_files(self, stored: StoredFile, member: str, folder: str, level: int) -> list[StoredFile]:
        """The files of an archive in an archive, which is unpacked first."""
        self._check_level(member, level + 1)
        self._inner += 1
        target = self._unpacked.with_name(f"{self._unpacked.name}-{self._inner}")
        self._write(target, stored.chunks(_CHUNK))
        inside = f"{folder}{without_archive_extension(member)}/"
        files = self._list(target, target.with_name(f"{target.name}.tar"), member, inside, level + 1)
        return [stored] if files is None else files

    def _add(self, size: int) -> None:
        """Count a file's bytes as the archive declares them; reading the file checks them."""
        self._size += size
        self._bounds.check("max_dataset_bytes", self._size, "bytes in an archive", file=self._source.name)

    def _note_encoding(self, encoding: str, name: str, names: list[str]) -> None:
        if encoding:
            examples = ", ".join([one for one in names if not one.isascii()][:_EXAMPLES])
            self.notes.append(
                f"{name} does not declare the encoding of its names: they were read as {encoding}, "
                f"such as {examples:.200}"
            )

    def _decompressed(self, file: BinaryIO, compression: Compression, size: int) -> Iterator[bytes]:
        """A compressed file's content, in pieces of `size` bytes."""
        file.seek(0)
        stream = compression.stream(file, MAX_WINDOW)
        while True:
            try:
                chunk = stream.read(size)
            except COMPRESSION_ERRORS as error:
                raise PoseError(describe_error(error), file=self._source.name) from None
            if not chunk:
                return
            yield chunk

    def _write(self, target: Path, chunks: Iterator[bytes]) -> None:
        """Write a file atomically."""
        if target.exists():
            self._limits.add_bytes(target.stat().st_size)
            return
        partial = target.with_suffix(".part")
        try:
            with partial.open("wb") as out:
                for chunk in chunks:
                    self._token.raise_if_cancelled()
                    self._limits.add_bytes(len(chunk))
                    out.write(chunk)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
