"""Inputs: the files that a dataset is made of, where they lie on disk and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heatsvc.bounds import Bounds


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file as it was sent or named.

    Attributes:
        name: as the sender calls it; for messages, and to match names of videos. Never a path.
        path: where its bytes lie.
    """

    name: str
    path: Path

    def read(self, bounds: Bounds) -> bytes:
        """Its bytes.

        Raises:
            LimitError: more than max_unpacked_bytes.
        """
        bounds.check("max_unpacked_bytes", self.path.stat().st_size, "bytes in a file", file=self.name)
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a dataset is made of.

    Attributes:
        keypoints: files of keypoints, and archives of such.
        folder: a folder of keypoint files, None where there is none. All that lies under it is read, nothing above.
        labels: label tables and label maps of any form, merged.
        split: a split file, None where options or nothing tell the split.
        trim: tables of frame counts, videos, and archives of videos.
        trim_folder: a folder of trimmed videos, None where there is none.
    """

    keypoints: tuple[InputFile, ...] = ()
    folder: Path | None = None
    labels: tuple[InputFile, ...] = ()
    split: InputFile | None = None
    trim: tuple[InputFile, ...] = ()
    trim_folder: Path | None = None
