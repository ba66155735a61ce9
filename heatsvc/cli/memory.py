"""Settings of the C library's memory allocator."""

from __future__ import annotations

import ctypes
import os

# mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 32 << 20
_MMAPPED_FROM = 16 << 20


def keep_freed_memory() -> None:
    """Have the allocator keep up to 32 MB of what was freed, for each of its arenas.

    A response of 64 clips is several megabytes, in pieces just too small to be mapped one by one. Returning them to the
    system after each response costs a thousand page faults per request, a fifth of its time. Nothing is done where the
    environment configures the allocator, or where the C library is not glibc.
    """
    if any(name.startswith(("MALLOC_", "LD_PRELOAD")) or name == "GLIBC_TUNABLES" for name in os.environ):
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    set_option(_TRIM_THRESHOLD, _KEPT)
    set_option(_MMAP_THRESHOLD, _MMAPPED_FROM)
