"""Inputs: the files of a dataset, with their paths and names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heatsvc.bounds import Bounds


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input file.

    Attributes:
        name: the client's name of the file; used in messages and to match names of videos, never as a path.
        path: the file on disk.
    """

    name: str
    path: Path

    def read(self, bounds: Bounds) -> bytes:
        """The content of the file.

        Raises:
            LimitError: the file is larger than max_unpacked_bytes.
        """
        bounds.check("max_unpacked_bytes", self.path.stat().st_size, "bytes in a file", file=self.name)
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a dataset.

    Attributes:
        keypoints: keypoint files, and archives of them.
        folder: a folder of keypoint files, which is read recursively, or None.
        labels: label tables and label maps of any format, which are merged.
        split: split files; empty if the options or the labels define the splits.
        trim: tables of frame counts, videos, and archives of videos.
        trim_folder: a folder of trimmed videos, or None.
    """

    keypoints: tuple[InputFile, ...] = ()
    folder: Path | None = None
    labels: tuple[InputFile, ...] = ()
    split: tuple[InputFile, ...] = ()
    trim: tuple[InputFile, ...] = ()
    trim_folder: Path | None = None
