"""Bounds: limits of an input. In the service each bound is a setting of the same name, `HEATSVC_MAX_...`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from heatsvc.errors import LimitError


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits that `pose`, `pipeline`, `render` and `encode` check before they allocate memory for an input."""

    max_clips: int = 1024
    max_persons: int = 64
    max_frames: int = 10_000
    max_keypoints: int = 1_024
    max_map_side: int = 4_096
    max_map_work: int = 256 << 20
    max_volume_bytes: int = 4 << 30
    max_potion_bytes: int = 64 << 20
    max_picture_pixels: int = 2 << 20
    max_picture_frames: int = 2_000
    max_picture_bytes: int = 16 << 20
    max_json_values: int = 1_000_000
    max_input_values: int = 8_000_000
    max_unpacked_bytes: int = 256 << 20
    max_archive_members: int = 20_000
    max_archive_ratio: int = 200
    max_pickle_objects: int = 5_000_000
    max_dataset_files: int = 200_000
    max_dataset_bytes: int = 64 << 30

    def check(self, name: str, got: int, what: str, *, field: str | None = None, file: str | None = None) -> None:
        """Raise LimitError if `got` is above the bound `name`.

        Args:
            name: the bound's field name, ``max_frames``.
            got: the number requested.
            what: its unit in words, ``frames``, for the message "12,000 frames are too many".
        """
        limit: int = getattr(self, name)
        if got > limit:
            raise LimitError(
                f"{got:,} {what} are too many",
                bound=name,
                limit=limit,
                got=got,
                field=field,
                file=file,
            )

    def for_local_files(self) -> Bounds:
        """These bounds with room for the user's own files: KETI's pickle has 33,517 clips, two million objects."""
        return replace(self, max_clips=10_000_000, max_pickle_objects=200_000_000, max_unpacked_bytes=64 << 30)


DEFAULT_BOUNDS = Bounds()

BYTES_PER_POINT = 12
"""Bytes of a point in memory: x, y and score in float32."""


def usable_cores() -> int:
    """Number of cores that this process may use; if the system does not report it, of all cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
