"""Upload: a file as it came, parsed no more than once, however many formats look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from heatsvc.pose.clip import PoseError
from heatsvc.pose.readers import archive
from heatsvc.pose.readers.lists import may_hold_booleans
from heatsvc.pose.readers.options import ReadOptions


@dataclass(frozen=True)
class Upload:
    """Bytes, what they are called and what was said about them.

    Attributes:
        data: the content.
        filename: as sent, "" where there is none; for messages and for the clip's name, never opened.
        options: what the file may not carry itself.
    """

    data: bytes
    filename: str
    options: ReadOptions

    @property
    def file(self) -> str | None:
        """The name for messages."""
        return self.filename or None

    @cached_property
    def is_json(self) -> bool:
        """Whether it begins as a JSON object or list does."""
        return self.data[:256].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")

    @cached_property
    def json(self) -> Any:
        """The parsed JSON; None where it is none.

        Raises:
            PoseError: begins like JSON and is broken.
            LimitError: more values than max_input_values.
        """
        return parse_json(self.data, self) if self.is_json else None

    @cached_property
    def booleans(self) -> bool:
        """Whether its JSON may hold booleans."""
        return may_hold_booleans(self.data)

    @cached_property
    def is_zip(self) -> bool:
        """Whether it begins as a zip archive does."""
        return self.data[:4] in archive.MAGIC

    @cached_property
    def member_names(self) -> list[str]:
        """The files of a zip archive; none where it is no archive."""
        if not self.is_zip:
            return []
        return archive.member_names(self.data, bounds=self.options.bounds, file=self.file)


def parse_json(data: bytes, upload: Upload, file: str | None = None) -> Any:
    """JSON text as lists and objects.

    Args:
        data: the text, the upload's own or an archive member's.
        upload: for the bounds.
        file: the member's name.

    Raises:
        PoseError: not JSON.
        LimitError: more values than max_input_values: every value but the first follows a comma, or stands
            first in a list or an object, and both are counted.
    """
    file = file or upload.file
    upload.options.bounds.check("max_input_values", data.count(b",") + 1, "JSON values", file=file)
    # A list in a list has no comma, and an empty list of two bytes takes 56.
    levels = data.count(b"[") + data.count(b"{")
    upload.options.bounds.check("max_input_values", levels, "JSON lists and objects", file=file)
    try:
        return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise PoseError(f"the JSON is broken: {error}", file=file) from None
