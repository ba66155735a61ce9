"""Names of videos: labels, splits, trim tables and keypoint files may spell the name of one video differently.

``KETI_SL_0000000419``, ``keti_sl_0000000419.AVI`` and ``Keypoints-MMPOSE/KETI_SL_0000000419.avi.npy`` are one video.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from heatsvc.pose.archives.formats import without_archive_extension, without_compression
from heatsvc.pose.clip import check_frame_dir
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.upload import EXTENSIONS

MAX_FOLDERS = 32
"""Folders in a name, with the file itself: an index of names has a table for each depth."""

VIDEO_EXTENSIONS = (
    *(".avi", ".mov", ".mts", ".m2ts", ".mp4", ".m4v", ".mkv", ".webm"),
    *(".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts"),
)


class VideoName:
    """A video's name without extensions.

    Attributes:
        text: as shown, and stored as `frame_dir`: folders with ``/`` and the stem, in the original spelling.
        parts: the same for comparison, folder by folder: NFC, case folded.
    """

    __slots__ = ("parts", "text")

    def __init__(self, text: str):
        self.text = text
        plain = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
        self.parts = tuple(plain.split("/"))

    @classmethod
    def of(cls, name: str, *, field: str = "name", file: str | None = None) -> VideoName:
        """The video of a file name with or without folders and extensions.

        Raises:
            PoseError: too long, with control characters in it, or too many folders deep.
        """
        check_frame_dir(name, field=field, file=file)
        name = name.strip()
        folders = [name]
        if not name or name == "." or "/" in name or "\\" in name:
            folders = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
            if not folders:
                return cls("")
            if len(folders) > MAX_FOLDERS:
                raise PoseError(
                    f"{field} {name!r:.80} lies {len(folders):,} folders deep: {MAX_FOLDERS} at most",
                    field=field,
                    file=file,
                )
        last = without_compression(without_archive_extension(folders[-1]))
        folders[-1] = _without(_without(last, EXTENSIONS), VIDEO_EXTENSIONS)
        return cls("/".join(folders))


class NameIndex:
    """Finds the positions of videos in `names` by any of their spellings.

    The time to find one does not grow with the number of names, also where all end in one stem (``a/points.npy``,
    ``b/points.npy``).
    """

    def __init__(self, names: Iterable[VideoName]):
        self.names = tuple(names)
        self._equal: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._depths: dict[int, list[int]] = defaultdict(list)
        for position, name in enumerate(self.names):
            self._equal[name.parts].append(position)
            self._depths[len(name.parts)].append(position)
        self._endings: dict[int, dict[tuple[str, ...], list[int]]] = {}

    def find(self, name: VideoName) -> list[int]:
        """Positions of all matching names: none if the name is unknown, several if it is ambiguous.

        An equal name, or names with more folders, are preferred to names with fewer folders.
        """
        matching = self._equal.get(name.parts) or self.deeper(name)
        for start in range(1, len(name.parts)):
            if matching:
                break
            matching = self._equal.get(name.parts[start:], [])
        return list(matching)

    def deeper(self, name: VideoName) -> list[int]:
        """Positions of all names that end like this one and have more folders."""
        depth = len(name.parts)
        if depth not in self._endings:
            # Only for the depths that are looked up, which are few: endings of deep names are long.
            endings: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for deep, positions in self._depths.items():
                if deep > depth:
                    for position in positions:
                        endings[self.names[position].parts[-depth:]].append(position)
            self._endings[depth] = endings
        return self._endings[depth].get(name.parts, [])


def _without(name: str, extensions: tuple[str, ...]) -> str:
    dot = name.rfind(".")
    return name[:dot] if dot > 0 and name[dot:].lower() in extensions else name
