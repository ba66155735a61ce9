"""Tables of frame counts: JSON ``{name: n}``, and CSV ``name,n`` with or without a header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.columns import NAME, plain
from heatsvc.annotation.labels.content import Content
from heatsvc.annotation.labels.numbers import number, whole_number
from heatsvc.annotation.labels.row import video_of
from heatsvc.annotation.names import VideoName

FRAMES = ("frames", "n", "count", "framecount", "nframes", "numframes", "totalframes", "length")
"""Headers of the column of counts."""

FORMS = "JSON {name: frames}, CSV of name,frames, videos, or a zip or tar archive of videos"


@dataclass(frozen=True, slots=True)
class Count:
    """How many frames a trimmed video has.

    Attributes:
        video: its name.
        frames: the number; 1 at least.
        where: what tells it, for messages.
        file: the file's name.
    """

    video: VideoName
    frames: int
    where: str
    file: str


def read_counts(content: Content) -> list[Count]:
    """The counts of a table.

    Raises:
        AnnotationError: no such table, or a count that is no whole number of 1 or more.
        LimitError: larger than `content.bounds` allow.
    """
    counts = []
    for name, value, where in _json(content) if content.is_json else _csv(content):
        frames = whole_number(value) if isinstance(value, str) else value
        if isinstance(frames, float) and frames.is_integer():
            frames = int(frames)
        if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
            raise AnnotationError(
                f"{where}: the number of frames must be a whole number of 1 or more, not {value!r:.60}",
                file=content.name,
            )
        counts.append(Count(video_of(name, where, content.name), frames, where, content.name))
    if not counts:
        raise AnnotationError(f"no frame counts: send {FORMS}", file=content.name)
    return counts


def _json(content: Content) -> Iterator[tuple[str, object, str]]:
    document = content.json
    if not isinstance(document, dict):
        raise AnnotationError(f"no frame counts: send {FORMS}", file=content.name)
    for name, value in document.items():
        yield name, value, f"{content.name}, {name!r:.100}"


def _csv(content: Content) -> Iterator[tuple[str, object, str]]:
    rows = content.rows
    top = next((position for position, row in enumerate(rows) if any(cell.strip() for cell in row)), 0)
    name, frames = 0, 1
    if rows and len(rows[top]) > 1 and number(rows[top][1]) is None:
        headers = [plain(cell) for cell in rows[top]]
        name = next((headers.index(header) for header in NAME if header in headers), 0)
        frames = next((headers.index(header) for header in FRAMES if header in headers), 1)
        top += 1
    for position, cells in enumerate(rows[top:], top + 1):
        where = f"{content.name}, row {position}"
        if not any(cell.strip() for cell in cells):
            continue
        if max(name, frames) >= len(cells):
            raise AnnotationError(f"{where}: a row is name,frames", file=content.name)
        yield cells[name], cells[frames], where
