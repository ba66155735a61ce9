"""Spool: a form that goes to disk as it arrives.

The framework's own form() keeps a megabyte of each part in memory, and a file open for each: ten thousand keypoint
files would be neither few megabytes nor few files. Here one file is open at a time, its name is a number, and what is
held in memory is a piece of the body.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from heatsvc.api.limits import Upload, finished
from heatsvc.api.problems import RequestError
from heatsvc.errors import LimitError
from heatsvc.settings import Settings

InThread = Callable[[Callable[[], None]], "asyncio.Future[None]"]

FORM = "multipart/form-data"

# Handed to a thread at a time: large enough that the hand-over costs nothing, small enough to be held twice.
_PIECE = 1 << 20
_LONGEST_TEXT = 256 << 10
_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """What a form may hold under one name.

    Attributes:
        text: whether it is small text, kept in memory, and not a file.
        many: whether it may come more than once.
        check: told the text as soon as it is there; raises where it cannot be used.
    """

    text: bool = False
    many: bool = False
    check: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A file of a form.

    Attributes:
        part: the name of its part.
        name: as the sender calls it, "" where it does not; never a path here.
        path: where its bytes lie.
        sha256: of its bytes.
    """

    part: str
    name: str
    path: Path
    sha256: bytes


@dataclass(slots=True)
class Spooled:
    """A form on disk.

    Attributes:
        files: in the order in which they came.
        texts: the small parts by name.
        size: bytes of the whole body.
    """

    files: list[SpooledFile] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    size: int = 0


async def spool_form(
    request: Request, settings: Settings, folder: Path, parts: Mapping[str, Part], in_thread: InThread
) -> Spooled:
    """Write a request's form into a folder.

    Args:
        request: its body has not been read.
        settings: how large the form may be, and how long nothing may come.
        folder: an empty folder, for the caller to remove, whatever happens.
        parts: what the form may hold.
        in_thread: has a thread do something.

    Raises:
        RequestError: 415, no form; 400, a broken one; 422, a part that may not be there; 408, nothing came for
            `idle_seconds`; 507, the disk is full.
        LimitError: larger than `max_upload_bytes`, or of more than `max_upload_files`.
        ClientGoneError: the client hung up.
    """
    writer = _Writer(boundary_of(request), folder, parts, settings)
    upload = Upload(request, settings)
    writing: asyncio.Future[None] | None = None
    try:
        piece = bytearray()
        while upload.more:
            piece += await upload.receive()
            if writing is not None and writing.done():
                writing.result()  # what is wrong is told before more of it comes
            if len(piece) < _PIECE and upload.more:
                continue
            # One piece is written while the next one comes.
            if writing is not None:
                await finished(writing)
            writing = in_thread(partial(writer.write, bytes(piece)))
            piece.clear()
        if writing is not None:
            await finished(writing)
        writer.end()
    finally:
        # A thread that still wrote would bring files into a folder that is being removed.
        if writing is not None:
            await asyncio.wait((writing,))
            writing.exception()  # seen, also where another one goes before it
        writer.close()
    writer.spooled.size = upload.size
    return writer.spooled


def boundary_of(request: Request) -> bytes:
    """What stands between a form's parts.

    Raises:
        RequestError: 415, no form, or a coded one; 400, no boundary, or one that is too long.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "a coded body is not read: send it without Content-Encoding", field="Content-Encoding")
    media_type, parameters = parse_options_header(request.headers.get("content-type"))
    if media_type != FORM.encode():
        told = media_type.decode("latin-1")[:100] or "is missing"
        raise RequestError(
            415, f"Content-Type {told}: the body must be {FORM}", field="Content-Type", headers={"Accept": FORM}
        )
    boundary = parameters.get(b"boundary", b"")
    # RFC 2046, 5.1.1: one to seventy characters.
    if not 1 <= len(boundary) <= 70:
        raise RequestError(
            400, "Content-Type needs a boundary of 1 to 70 characters: leave it to your client", field="Content-Type"
        )
    return boundary


class _Writer:
    """The parser's callbacks."""

    def __init__(self, boundary: bytes, folder: Path, parts: Mapping[str, Part], settings: Settings) -> None:
        self.spooled = Spooled()
        self._folder = folder
        self._parts = parts
        self._files_of: set[str] = set()
        self._most_files = settings.max_upload_files
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = ""
        self._count = 0
        self._ended = False
        self._name = self._file_name = ""
        self._part: Part | None = None
        self._text = bytearray()
        self._file: IO[bytes] | None = None
        self._digest = hashlib.sha256()
        self._length = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._open,
                "on_part_data": self._data,
                "on_part_end": self._close_part,
                "on_end": self._on_end,
            },
        )

    def write(self, data: bytes) -> None:
        """Take a piece of the body; in a thread, one piece at a time.

        Raises:
            RequestError, LimitError: as spool_form.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise RequestError(400, f"the form is broken after {self._told()}: {error}") from None
        except OSError as error:
            raise full_disk(error) from error

    def end(self) -> None:
        """The body is over.

        Raises:
            RequestError: 400, the form is not.
        """
        if not self._ended:
            raise RequestError(400, f"the form ends within or after {self._told()}, without its last boundary")

    def close(self) -> None:
        """Leave no file open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _told(self) -> str:
        return f"its part {self._count} ({self._name!r:.60})" if self._count else "its beginning"

    def _begin(self) -> None:
        self._count += 1
        self._name = self._disposition = ""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value.decode("latin-1")
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        """The headers of a part are there: whether it may come is told before its bytes do."""
        kind, parameters = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in parameters:
            raise RequestError(
                400, f'part {self._count} of the form has no name: Content-Disposition: form-data; name="..."'
            )
        self._name = _text(parameters[b"name"])
        self._file_name = _text(parameters.get(b"filename", b""))
        part = self._part = self._parts.get(self._name)
        if part is None:
            raise RequestError(
                422,
                f"the form's part {self._name!r:.60} is not known: {_listed(self._parts)}",
                field=self._name[:60],
            )
        given = self.spooled.texts if part.text else self._files_of
        if not part.many and self._name in given:
            raise RequestError(422, f"{self._name} is given twice: one is enough", field=self._name)
        # Counted are all parts: a million fields in which no file was chosen are too many, too.
        if self._count > self._most_files + len(self._parts):
            raise LimitError(
                f"{self._count:,} files or more in the form are too many: send an archive of them",
                setting="HEATSVC_MAX_UPLOAD_FILES",
                limit=self._most_files,
                got=self._count,
                field=self._name,
            )
        if part.text:
            return
        self._file = (self._folder / str(len(self.spooled.files))).open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._length = 0

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            piece = memoryview(data)[start:end]
            self._length += len(piece)
            self._digest.update(piece)
            while piece:
                piece = piece[self._file.write(piece) :]
            return
        self._text += data[start:end]
        if len(self._text) > _LONGEST_TEXT:
            raise RequestError(
                413, f"{self._name} has more than {_LONGEST_TEXT:,} bytes: it is a small JSON object", field=self._name
            )

    def _close_part(self) -> None:
        part = self._part
        assert part is not None  # noqa: S101  # a part ends after it has begun
        if self._file is None:
            text, self._text = bytes(self._text), bytearray()
            self.spooled.texts[self._name] = text
            if part.check is not None:
                part.check(text)
            return
        path = Path(str(self._file.name))
        self.close()
        if not self._length and not self._file_name:
            path.unlink()  # a browser's field in which no file was chosen
            return
        self._files_of.add(self._name)
        self.spooled.files.append(SpooledFile(self._name, self._file_name, path, self._digest.digest()))

    def _on_end(self) -> None:
        self._ended = True


def _text(data: bytes) -> str:
    """A name; forms are UTF-8, and what is not is replaced. Browsers and curl write a quote as %22."""
    return data.decode("utf-8", "replace").replace("%22", '"')[:_LONGEST_NAME]


def _listed(parts: Mapping[str, Part]) -> str:
    told = [f"{name} (as often as needed)" if part.many else name for name, part in parts.items()]
    return f"parts are {', '.join(told[:-1])} and {told[-1]}"


def full_disk(error: OSError) -> Exception:
    """507 where the disk is full; every other fault of the disk is the service's own."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return RequestError(507, "the service's disk is full: nothing of this request was kept; try again later")
    return error
