"""Forms as clients write them, byte for byte."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COUNT = itertools.count()

BOUNDARY = "----form7MA4YWxkTrZu0gW"


@dataclass(frozen=True)
class Form:
    """A body, and its media type."""

    body: bytes
    media_type: str = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, data: bytes = b"", filename: str | None = None) -> bytes:
    """One part."""
    named = "" if filename is None else f'; filename="{filename}"'
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"


def form(*parts: bytes) -> Form:
    """Parts and the end."""
    return Form(b"".join(parts) + f"--{BOUNDARY}--\r\n".encode())


def dataset(
    labels: str = "labels.csv",
    options: Mapping[str, Any] | None = None,
    *more: bytes,
    keypoints: Mapping[str, bytes] | None = None,
) -> Form:
    """A whole form; one like no other before it where the keypoints are not given."""
    files = {"a.npy": b"%d" % next(_COUNT)} if keypoints is None else keypoints
    return form(
        *(part("keypoints", data, name) for name, data in files.items()),
        part("labels", b"a,0\n", labels),
        *more,
        *([] if options is None else [part("options", json.dumps(options).encode())]),
    )
