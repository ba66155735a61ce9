"""Reader: one format of keypoint files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heatsvc.pose.clip import PoseClip
from heatsvc.pose.readers.upload import Upload


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is told from others, and how it becomes clips.

    Attributes:
        name: short and lasting, ``mmpose``.
        title: one line about it.
        extensions: of its files, for people; content decides.
        media_types: under which it may be sent.
        recognise: whether an upload's content is of this format.
        read: its clips; raises InputError only.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    recognise: Callable[[Upload], bool]
    read: Callable[[Upload], list[PoseClip]]
