"""VideoName and NameIndex: match names of a video that labels, splits and files may spell differently.

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
"""Maximum number of parts of a name, folders and file: an index of names has a table for each depth."""

VIDEO_EXTENSIONS = (
    *(".avi", ".mov", ".mts", ".m2ts", ".mp4", ".m4v", ".mkv", ".webm"),
    *(".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts"),
)


class VideoName:
    """A video's name without extensions.

    Attributes:
        text: the name as shown, and stored as `frame_dir`: folders with ``/`` and the stem, in the original spelling.
        parts: the folders and the stem for comparison: in NFC, case-folded.
    """

    __slots__ = ("parts", "text")

    def __init__(self, text: str):
        self.text = text
        plain = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
        self.parts = tuple(plain.split("/"))

    @classmethod
    def of(cls, name: str, *, field: str = "name", file: str | None = None) -> VideoName:
        """The video of a file name, with or without folders and extensions.

        Raises:
            PoseError: the name is too long, has control characters, or has too many folders.
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
                    f"{field} {name!r:.80} has {len(folders):,} folders: {MAX_FOLDERS} at most",
                    field=field,
                    file=file,
                )
        last = without_compression(without_archive_extension(folders[-1]))
        folders[-1] = _without(_without(last, EXTENSIONS), VIDEO_EXTENSIONS)
        return cls("/".join(folders))


class NameIndex:
    """Finds the indices of videos in `names` by any of their spellings.

    The time to find a video does not depend on the number of names, even if all have the same stem (``a/points.npy``,
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
        """Indices of all matching names: none if the name is unknown, several if it is ambiguous.

        An equal name, or names with more folders, are preferred to names with fewer folders.
        """
        matching = self._equal.get(name.parts) or self.deeper(name)
        for start in range(1, len(name.parts)):
            if matching:
                break
            matching = self._equal.get(name.parts[start:], [])
        return list(matching)

    def deeper(self, name: VideoName) -> list[int]:
        """Indices of all names that end with this one and have more folders."""
        depth = len(name.parts)
        if depth not in self._endings:
            # Tables are made only for the few depths that are looked up, since endings of deep names are long.
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
