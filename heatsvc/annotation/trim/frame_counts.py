"""Frame counts of trimmed videos, from tables or from the videos themselves."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import parse_number, parse_video_name, parse_whole_number
from heatsvc.annotation.labels.tables import NAME, normalize_header
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.trim.videos import Video, count_all, videos_in, videos_under
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken

FRAMES = ("frames", "n", "count", "framecount", "nframes", "numframes", "totalframes", "length")
"""Headers of the column of counts."""

FORMS = "JSON {name: frames}, CSV of name,frames, videos, or a zip or tar archive of videos"


@dataclass(frozen=True, slots=True)
class FrameCount:
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


def read_counts(content: ParsedFile) -> list[FrameCount]:
    """The counts of a table.

    Raises:
        AnnotationError: no such table, or a count that is no whole number of 1 or more.
        LimitError: larger than `content.bounds` allow.
    """
    counts = []
    for name, value, where in _json(content) if content.is_json else _csv(content):
        frames = parse_whole_number(value) if isinstance(value, str) else value
        if isinstance(frames, float) and frames.is_integer():
            frames = int(frames)
        if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
            raise AnnotationError(
                f"{where}: the number of frames must be a whole number of 1 or more, not {value!r:.60}",
                file=content.name,
            )
        counts.append(FrameCount(parse_video_name(name, where, content.name), frames, where, content.name))
    if not counts:
        raise AnnotationError(f"no frame counts: send {FORMS}", file=content.name)
    return counts


def _json(content: ParsedFile) -> Iterator[tuple[str, object, str]]:
    document = content.json
    if not isinstance(document, dict):
        raise AnnotationError(f"no frame counts: send {FORMS}", file=content.name)
    for name, value in document.items():
        yield name, value, f"{content.name}, {name!r:.100}"


def _csv(content: ParsedFile) -> Iterator[tuple[str, object, str]]:
    rows = content.rows
    top = next((position for position, row in enumerate(rows) if any(cell.strip() for cell in row)), 0)
    name, frames = 0, 1
    if rows and len(rows[top]) > 1 and parse_number(rows[top][1]) is None:
        headers = [normalize_header(cell) for cell in rows[top]]
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


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frame counts of trimmed videos.

    Attributes:
        frames: position in the labels' rows, and the number of frames, 1 at least.
        faults: counts of videos that no label knows.
    """

    frames: Mapping[int, int]
    faults: tuple[Fault, ...]


def read_frame_counts(
    files: Sequence[InputFile],
    folder: Path | None,
    labels: Labels,
    work: Path,
    bounds: Bounds = DEFAULT_BOUNDS,
    token: CancelToken = NEVER_CANCELLED,
) -> FrameCounts:
    """How many frames each trimmed video has.

    Args:
        files: tables of counts, videos, and archives of videos, told by their content.
        folder: a folder of videos, with all below it; None where there is none.
        labels: the videos of the dataset; those that filters left out are not counted.
        work: a folder for what has to be unpacked; made here, and removed.
        bounds: how large files and videos may be.
        token: ends the work early.

    Raises:
        AnnotationError: no such file, a damaged video, two counts for one video that differ, or a name that may be two.
        LimitError: larger than `bounds` allow.
    """
    work.mkdir(parents=True, exist_ok=True)
    try:
        counts, videos = _sources(files, folder, work, bounds, token)
        found = _Found(labels)
        for count in counts:
            position = found.position(count.video, count.where, count.file, f"{count.frames:,} frames")
            if position is not None:
                found.add(position, count.frames, count.where, count.file)
        wanted: list[tuple[int, Video]] = []
        for video in videos:
            name = parse_video_name(video.name, video.where, video.file)
            position = found.position(name, video.where, video.file, "a trimmed video")
            if position is not None:
                wanted.append((position, video))
        frames = count_all([video for _, video in wanted], work, bounds, token)
        for (position, video), count_of_it in zip(wanted, frames, strict=True):
            found.add(position, count_of_it, video.where, video.file)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return FrameCounts(dict(sorted(found.frames.items())), tuple(found.faults.values()))


def _sources(
    files: Sequence[InputFile], folder: Path | None, work: Path, bounds: Bounds, token: CancelToken
) -> tuple[list[FrameCount], Iterable[Video]]:
    counts: list[FrameCount] = []
    videos: list[Video] = []
    for position, file in enumerate(files):
        token.raise_if_cancelled()
        its_videos = videos_in(file, work / f"{position}.tar", bounds, token)
        if its_videos is None:
            counts += read_counts(ParsedFile(file, bounds))
        else:
            videos += its_videos
    if folder is not None:
        videos += videos_under(folder, bounds, token)
    return counts, videos


class _Found:
    """What has been found so far."""

    def __init__(self, labels: Labels):
        self.frames: dict[int, int] = {}
        self.faults: dict[tuple[str, ...], Fault] = {}
        self._labels = labels
        self._where: dict[int, str] = {}

    def position(self, name: VideoName, where: str, file: str, what: str) -> int | None:
        """The row that a name is for; None where filters left it out, or where no label knows it, which is a fault."""
        known = self._labels.known.find(name)
        rows = [position for position in known if position < len(self._labels.rows)]
        if len(rows) > 1:
            first, second = (self._labels.rows[position] for position in rows[:2])
            raise AnnotationError(
                f"{where}: {name.text!r:.100} may be {first.video.text!r:.100} ({first.where}) or "
                f"{second.video.text!r:.100} ({second.where}): tell its folder too",
                file=file,
            )
        if not known:
            self.faults.setdefault(
                name.parts, Fault("trim_unknown", name.text, f"{what}, but no label is for it", file, "dropped")
            )
        return rows[0] if rows else None

    def add(self, position: int, frames: int, where: str, file: str) -> None:
        """Take in a count."""
        if self.frames.setdefault(position, frames) != frames:
            raise AnnotationError(
                f"two counts for {self._labels.rows[position].video.text!r:.100} differ: {self.frames[position]:,} "
                f"frames in {self._where[position]}, {frames:,} in {where}",
                file=file,
            )
        self._where.setdefault(position, where)
