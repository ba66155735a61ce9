"""Inputs: the files of a dataset, with their paths and names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heatsvc.bounds import Bounds


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file as it was sent or named.

    Attributes:
        name: the sender's name for it; used in messages and to match names of videos, never as a path.
        path: where it is on disk.
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
    """The files of a dataset.

    Attributes:
        keypoints: files of keypoints, and archives of such.
        folder: a folder of keypoint files, None where there is none. Everything below it is read.
        labels: label tables and label maps of any format, merged.
        split: split files; none where the options or the labels have the split.
        trim: tables of frame counts, videos, and archives of videos.
        trim_folder: a folder of trimmed videos, None where there is none.
    """

    keypoints: tuple[InputFile, ...] = ()
    folder: Path | None = None
    labels: tuple[InputFile, ...] = ()
    split: tuple[InputFile, ...] = ()
    trim: tuple[InputFile, ...] = ()
    trim_folder: Path | None = None
