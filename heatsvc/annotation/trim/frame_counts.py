"""FrameCounts: frame counts of trimmed videos, from tables (JSON ``{name: n}``, CSV ``name,n``) or from videos."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import parse_number, parse_video_name, parse_whole_number
from heatsvc.annotation.labels.tables import NAME, find_column
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.trim.videos import Video, count_all, videos_in, videos_under
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken

_FRAMES_HEADERS = ("frames", "n", "count", "framecount", "nframes", "numframes", "totalframes", "length")
_FORMATS = "JSON {name: frames}, CSV of name,frames, videos, or a zip or tar archive of videos"


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frame counts of trimmed videos.

    Attributes:
        frames: the number of frames, 1 or more, by index in the labels' rows.
        faults: faults about videos that are not in the labels.
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
    encoding: str | None = None,
) -> FrameCounts:
    """Read or count the number of frames of each trimmed video.

    Args:
        files: tables of counts, videos, and archives of videos, detected by content.
        folder: a folder of videos, which is read recursively, or None.
        labels: the videos of the dataset; videos that filters exclude are not counted.
        work: a folder for unpacked files; it is created and deleted here.
        bounds: limits of files and videos.
        token: checked between steps; cancels the work.
        encoding: encoding of tables that are neither UTF-8 nor UTF-16.

    Raises:
        AnnotationError: a file is of another kind, a video is damaged, a video has two different counts, or a name
            matches several videos.
        LimitError: a bound is exceeded.
    """
    work.mkdir(parents=True, exist_ok=True)
    try:
        found = _Collector(labels)
        videos: list[Video] = []
        for number, file in enumerate(files):
            token.raise_if_cancelled()
            contained = videos_in(file, work / f"{number}.tar", bounds, token)
            if contained is None:
                _read_table(ParsedFile(file, bounds, encoding), found)
            else:
                videos += contained
        if folder is not None:
            videos += sorted(videos_under(folder, bounds, token))
        labeled: list[tuple[int, Video]] = []
        for video in videos:
            name = parse_video_name(video.name, video.where, video.file)
            position = found.position(name, video.where, video.file, "a trimmed video")
            if position is not None:
                labeled.append((position, video))
        frames = count_all([video for _, video in labeled], work, bounds, token)
        for (position, video), number in zip(labeled, frames, strict=True):
            found.add(position, number, video.where, video.file)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return FrameCounts(dict(sorted(found.frames.items())), tuple(found.faults.values()))


@dataclass(slots=True)
class _Collector:
    """Collects counts by index in the labels' rows, with their places for messages."""

    labels: Labels
    frames: dict[int, int] = field(default_factory=dict)
    faults: dict[tuple[str, ...], Fault] = field(default_factory=dict)
    where: dict[int, str] = field(default_factory=dict)

    def position(self, name: VideoName, where: str, file: str, what: str) -> int | None:
        """The row of a video; None if filters exclude it, or if it is not in the labels, which is a fault."""
        position = self.labels.find_row(name, where, file)
        if position is None and not self.labels.known.find(name):
            fault = Fault("trim_unknown", name.text, f"{what}, but not in the labels", file, "dropped")
            self.faults.setdefault(name.parts, fault)
        return position

    def add(self, position: int, frames: int, where: str, file: str) -> None:
        if self.frames.setdefault(position, frames) != frames:
            raise AnnotationError(
                f"the frame counts of {self.labels.rows[position].video.text!r:.100} differ: {self.frames[position]:,} "
                f"frames in {self.where[position]}, {frames:,} in {where}",
                file=file,
            )
        self.where.setdefault(position, where)


def _read_table(file: ParsedFile, found: _Collector) -> None:
    rows = list(_read_json(file) if file.is_json else _read_csv(file))
    if not rows:
        raise AnnotationError(f"the file has no frame counts: send {_FORMATS}", file=file.name)
    for name, value, where in rows:
        frames = parse_whole_number(value) if isinstance(value, str) else value
        if isinstance(frames, float) and frames.is_integer():
            frames = int(frames)
        if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
            raise AnnotationError(
                f"{where}: the number of frames must be a whole number of 1 or more, not {value!r:.60}", file=file.name
            )
        position = found.position(parse_video_name(name, where, file.name), where, file.name, f"{frames:,} frames")
        if position is not None:
            found.add(position, frames, where, file.name)


def _read_json(file: ParsedFile) -> Iterator[tuple[str, object, str]]:
    if not isinstance(file.json, dict):
        raise AnnotationError(f"the file has no frame counts: send {_FORMATS}", file=file.name)
    for name, value in file.json.items():
        yield name, value, f"{file.name}, {name!r:.100}"


def _read_csv(file: ParsedFile) -> Iterator[tuple[str, object, str]]:
    start, name, frames = file.top, 0, 1
    first = file.rows[start] if file.rows else []
    if len(first) > 1 and parse_number(first[1]) is None:
        name = find_column(first, NAME) or 0
        column = find_column(first, _FRAMES_HEADERS)
        frames = 1 if column is None else column
        start += 1
    for where, cells in file.rows_from(start):
        if max(name, frames) >= len(cells):
            raise AnnotationError(f"{where}: rows must be name,frames", file=file.name)
        yield cells[name], cells[frames], where
