"""Content: what two requests have in common that are to be built once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson

from heatsvc import __version__
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.api.spool import SpooledFile

# To be counted up when the same input is to give something else.
_FORMAT = 1


def content_id(
    files: Iterable[SpooledFile], options: AnnotationOptions, *, check: bool, dataset: bytes | None = None
) -> str:
    """An id for a build, 32 hexadecimal digits: the same for the same files, names and options, in whatever order.

    Args:
        files: what was sent.
        options: what is to become of it.
        check: whether it is to be reported on alone.
        dataset: what digest_of said of the mounted folder.
    """
    digest = hashlib.sha256(f"heatsvc {__version__} {_FORMAT} {check}\n".encode())
    for file in sorted(files, key=in_order):
        name = file.name.encode("utf-8", "surrogatepass")
        digest.update(b"%s %d " % (file.part.encode(), len(name)))
        digest.update(name + file.sha256)
    # The order of an option's own names counts: splits stand in the pickle as they stand in the rule.
    digest.update(b"\n" + orjson.dumps(options.model_dump(mode="json")) + b"\n")
    digest.update(dataset or b"")
    return digest.hexdigest()[:32]


def in_order(file: SpooledFile) -> tuple[str, str, bytes]:
    """By what files are sorted, so that the order in which they were sent makes no difference."""
    return file.part, file.name, file.sha256
