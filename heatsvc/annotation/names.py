"""Names of videos, as labels, splits, trim tables and keypoint files spell them: one video under several names.

``KETI_SL_0000000419``, ``keti_sl_0000000419.AVI`` and ``Keypoints-MMPOSE/KETI_SL_0000000419.avi.npy`` are one video.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from heatsvc.pose.clip import PoseError, check_frame_dir

MOST_FOLDERS = 32
"""Folders in a name, with the file itself: an index of names has a table for each depth."""

_KEYPOINTS = (".npy", ".npz", ".pose", ".json", ".zip")
VIDEO_EXTENSIONS = (
    *(".avi", ".mov", ".mts", ".m2ts", ".mp4", ".m4v", ".mkv", ".webm"),
    *(".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts"),
)


class VideoName:
    """A video's name without extensions.

    Attributes:
        text: as it is shown and stored as `frame_dir`: folders with ``/`` and the stem, spelled as it came.
        parts: the same for comparing, folder by folder: NFC, case folded.
    """

    __slots__ = ("parts", "text")

    def __init__(self, text: str):
        self.text = text
        plain = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
        self.parts = tuple(plain.split("/"))

    @classmethod
    def of(cls, name: str, *, field: str = "name", file: str | None = None) -> VideoName:
        """The video that a file name, with or without folders and extensions, is about.

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
            if len(folders) > MOST_FOLDERS:
                raise PoseError(
                    f"{field} {name!a:.80} lies {len(folders):,} folders deep: {MOST_FOLDERS} at most",
                    field=field,
                    file=file,
                )
        folders[-1] = _without(_without(folders[-1], _KEYPOINTS), VIDEO_EXTENSIONS)
        return cls("/".join(folders))

    def fits(self, other: VideoName) -> bool:
        """Whether both may be one video: equal, as far up the folders as both tell."""
        depth = min(len(self.parts), len(other.parts))
        return self.parts[-depth:] == other.parts[-depth:]

    def __repr__(self) -> str:
        return f"VideoName({self.text!r})"


class NameIndex:
    """Finds videos among `names` by any of their spellings; an answer is a position in `names`.

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
        """Positions of all names that fit: one, where all is well; none for a stranger; two where it is ambiguous.

        Of several that fit, one that tells more folders or is wholly equal wins over those that tell fewer.
        """
        fitting = self._equal.get(name.parts) or self.deeper(name)
        for start in range(1, len(name.parts)):
            if fitting:
                break
            fitting = self._equal.get(name.parts[start:], [])
        return list(fitting)

    def deeper(self, name: VideoName) -> list[int]:
        """Positions of all names that fit and tell more folders than this one."""
        depth = len(name.parts)
        if depth not in self._endings:
            # Made for the depths that are asked for, which are few: what deep names end in is long.
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
