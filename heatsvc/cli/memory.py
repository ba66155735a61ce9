"""Memory that is freed and wanted again at once."""

from __future__ import annotations

import ctypes
import os

# mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 32 << 20
_OF_ITS_OWN = 16 << 20


def keep_freed_memory() -> None:
    """Have the allocator keep up to 32 MB of what was freed, for each of its arenas.

    An answer of 64 clips is several megabytes, in pieces just small enough not to be mapped one by one. Given back to
    the system after each answer and asked for again, they cost a thousand page faults a request: a fifth of its time.
    Nothing is done where the environment says how the allocator is to be, or where that is not glibc's.
    """
    if any(name.startswith(("MALLOC_", "LD_PRELOAD")) or name == "GLIBC_TUNABLES" for name in os.environ):
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    set_option(_TRIM_THRESHOLD, _KEPT)
    set_option(_MMAP_THRESHOLD, _OF_ITS_OWN)
