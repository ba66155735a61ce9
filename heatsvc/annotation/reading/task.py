"""Task: one video to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.sources import KeypointFile


@dataclass(frozen=True, slots=True)
class Task:
    """One video that has a label, a split and a file.

    Attributes:
        name: its `frame_dir`.
        label: class index.
        split: the split it is in.
        file: its keypoints.
        signer: who signs, "" where nobody knows.
        last: how many frames to keep, the last ones; None for all.
    """

    name: str
    label: int
    split: str
    file: KeypointFile
    signer: str = ""
    last: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """As KeypointFile's."""
        return Task, (self.name, self.label, self.split, self.file, self.signer, self.last)
