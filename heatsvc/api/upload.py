"""Multipart forms written to disk as they arrive.

Starlette's own ``Request.form()`` keeps up to a megabyte of each part in memory and one open file for each part, which
is too much for ten thousand keypoint files. Here one file is open at a time, and one block of the body is in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from heatsvc.api.cancellation import wait_shielded
from heatsvc.api.limits import BodyReader
from heatsvc.api.problems import RequestError
from heatsvc.api.service import Service
from heatsvc.errors import LimitError

FORM = "multipart/form-data"

# Bytes passed to a thread at a time, large enough that switching threads costs little.
_BLOCK_BYTES = 1 << 20
_MAX_TEXT_BYTES = 256 << 10
_MAX_NAME_LENGTH = 1_000
# Limits of one part. A file name's character has up to three bytes, or nine if percent-encoded.
_MAX_HEADERS, _MAX_HEADER_BYTES = 8, 10_000


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part that a form may have, identified by its name.

    Attributes:
        text: whether it is a short text that is kept in memory; otherwise it is a file.
        many: whether it may be repeated.
        check: called with the text as soon as it has arrived; raises InputError if it is invalid.
    """

    text: bool = False
    many: bool = False
    check: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a form.

    Attributes:
        part: the name of its part.
        name: the client's file name, "" if it sent none; never used as a path.
        path: the file on disk.
        sha256: the digest of its bytes.
    """

    part: str
    name: str
    path: Path
    sha256: bytes


@dataclass(slots=True)
class UploadedForm:
    """A form on disk.

    Attributes:
        files: the files, in the order in which they were sent.
        texts: the text parts by name.
        size: size of the whole request body in bytes.
    """

    files: list[UploadedFile] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    size: int = 0


async def save_form(request: Request, service: Service, folder: Path, parts: Mapping[str, FormPart]) -> UploadedForm:
    """Write a request's form into a folder.

    Args:
        request: a request whose body has not been read.
        service: its settings limit the form, its disk threads write it.
        folder: an empty folder, which the caller deletes even if this fails.
        parts: the parts that the form may contain, by name.

    Raises:
        RequestError: 415, the body is not a form; 400, the form is malformed; 422, a part is not allowed; 408, no data
            arrived for `idle_seconds`.
        LimitError: the body is larger than `max_upload_bytes`, or has more files than `max_upload_files`.
        ClientDisconnect: the client has disconnected.
        DataDirectoryError: the folder cannot be written, or the disk is full.
    """
    writer = _FormWriter(form_boundary(request), folder, parts, service.settings.max_upload_files)
    reader = BodyReader(request, service.settings, "max_upload_bytes")
    block = bytearray()
    try:
        while reader.more:
            block += await reader.receive()
            if len(block) >= _BLOCK_BYTES or not reader.more:
                await wait_shielded(service.on_disk(partial(writer.write, bytes(block))))
                block.clear()
        writer.finish()
    finally:
        writer.close()
    writer.form.size = reader.size
    return writer.form


def form_boundary(request: Request) -> bytes:
    """The boundary between a form's parts.

    Raises:
        RequestError: 415, the body is not a form, or has a content coding; 400, the boundary is missing or too long.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(
            415, "compressed request bodies are not supported: send no Content-Encoding", field="Content-Encoding"
        )
    media_type, parameters = parse_options_header(request.headers.get("content-type"))
    if media_type != FORM.encode():
        sent = media_type.decode("latin-1")[:100] or "is missing"
        raise RequestError(
            415, f"Content-Type {sent}: it must be {FORM}", field="Content-Type", headers={"Accept": FORM}
        )
    boundary = parameters.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:  # RFC 2046, section 5.1.1
        raise RequestError(
            400,
            "Content-Type needs a boundary of 1 to 70 characters: let your HTTP client set it",
            field="Content-Type",
        )
    return boundary


class _FormWriter:
    """The multipart parser's callbacks: writes file parts to disk and keeps text parts."""

    def __init__(self, boundary: bytes, folder: Path, parts: Mapping[str, FormPart], max_files: int) -> None:
        self.form = UploadedForm()
        self._folder = folder
        self._parts = parts
        self._names_with_files: set[str] = set()
        self._max_files = max_files
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = ""
        self._count = 0
        self._complete = False
        self._name = self._file_name = ""
        self._part = FormPart()
        self._text = bytearray()
        self._file: IO[bytes] | None = None
        self._digest = hashlib.sha256()
        self._length = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )

    def write(self, data: bytes) -> None:
        """Parse and write a block of the body. Runs in a thread, one block at a time."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            allowed = (
                f": each part may have {_MAX_HEADERS} headers of {_MAX_HEADER_BYTES:,} bytes, including the file name"
            )
            more = allowed if "Maximum header" in str(error) else ""
            raise RequestError(400, f"the form is malformed after {self._position()}: {error}{more}") from None

    def finish(self) -> None:
        """Check that the form is complete, after the end of the body."""
        if not self._complete:
            raise RequestError(400, f"the form ends in or after {self._position()}, without its closing boundary")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _position(self) -> str:
        return f"its part {self._count} ({self._name!r:.60})" if self._count else "its beginning"

    def _on_part_begin(self) -> None:
        self._count += 1
        self._name = self._disposition = ""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value.decode("latin-1")
        self._header_name.clear()
        self._header_value.clear()

    def _on_headers_finished(self) -> None:
        """Check that the part is allowed, before its bytes are read."""
        kind, parameters = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in parameters:
            raise RequestError(
                400, f'part {self._count} of the form has no name: Content-Disposition: form-data; name="..."'
            )
        self._name = _decode_name(parameters[b"name"])
        self._file_name = _decode_name(parameters.get(b"filename", b""))
        part = self._parts.get(self._name)
        if part is None:
            raise RequestError(
                422,
                f"the form's part {self._name!r:.60} is unknown: {_list_parts(self._parts)}",
                field=self._name[:60],
            )
        self._part = part
        seen = self.form.texts if part.text else self._names_with_files
        if not part.many and self._name in seen:
            raise RequestError(422, f"the form has two parts named {self._name}: send one", field=self._name)
        # All parts count, also form fields in which no file was chosen.
        if self._count > self._max_files + len(self._parts):
            raise LimitError(
                f"{self._count:,} files or more in the form are too many: send an archive of them",
                bound="max_upload_files",
                limit=self._max_files,
                got=self._count,
                field=self._name,
            )
        if part.text:
            return
        self._file = (self._folder / str(len(self.form.files))).open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._length = 0

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            rest = memoryview(data)[start:end]
            self._length += len(rest)
            self._digest.update(rest)
            while rest:
                rest = rest[self._file.write(rest) :]
            return
        self._text += data[start:end]
        if len(self._text) > _MAX_TEXT_BYTES:
            raise RequestError(
                413,
                f"{self._name} has more than {_MAX_TEXT_BYTES:,} bytes: it must be a small JSON object",
                field=self._name,
            )

    def _on_part_end(self) -> None:
        if self._file is None:
            text, self._text = bytes(self._text), bytearray()
            self.form.texts[self._name] = text
            if self._part.check is not None:
                self._part.check(text)
            return
        path = Path(str(self._file.name))
        self.close()
        if not self._length and not self._file_name:
            path.unlink()  # a browser's form field in which no file was chosen
            return
        self._names_with_files.add(self._name)
        self.form.files.append(UploadedFile(self._name, self._file_name, path, self._digest.digest()))

    def _on_end(self) -> None:
        self._complete = True


def _decode_name(data: bytes) -> str:
    """Decode a name from UTF-8, replacing invalid bytes, and %22, which browsers and curl send for a quotation mark."""
    return data.decode("utf-8", "replace").replace("%22", '"')[:_MAX_NAME_LENGTH]


def _list_parts(parts: Mapping[str, FormPart]) -> str:
    names = [f"{name} (can be repeated)" if part.many else name for name, part in parts.items()]
    return f"use {', '.join(names[:-1])} and {names[-1]}"
