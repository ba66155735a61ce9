"""run_reader: reads files with native libraries in a child process of limited memory and time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heatsvc.bounds import Bounds
from heatsvc.child import ChildError, run_in_child
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.upload import Upload

# Of address space: most of it is the interpreter's and the libraries' code, which processes share.
CHILD_BYTES = 384 << 20
CHILD_SECONDS = 30.0


def run_reader(function: Callable[..., tuple[Any, ...]], upload: Upload, what: str) -> tuple[Any, ...]:
    """Call a function of `pose.native` for an upload in a child process.

    Args:
        function: called with the bytes, the bounds and the name for messages.
        upload: the file.
        what: for messages, ``the HDF5 file``.

    Raises:
        PoseError: the child took too much memory or time, or died.
    """
    options = upload.options
    try:
        return run_in_child(
            function,
            upload.data,
            options.bounds,
            upload.file,
            memory_bytes=child_bytes(len(upload.data), options.bounds),
            seconds=CHILD_SECONDS,
            token=options.token,
        )
    except ChildError as error:
        raise PoseError(f"{what} cannot be read: {error}", file=upload.file) from None


def child_bytes(size: int, bounds: Bounds) -> int:
    """Memory limit of a child that reads a file of `size` bytes, including the libraries."""
    return CHILD_BYTES + 3 * size + 2 * min(bounds.max_archive_ratio * size, bounds.max_unpacked_bytes)
