"""Task: one video to be read."""

from __future__ import annotations

from dataclasses import dataclass

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
