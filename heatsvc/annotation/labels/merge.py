"""Merges label files into one row per video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.rows import LabelFile, LabelRow, parse_number
from heatsvc.annotation.labels.tables import KNOWN
from heatsvc.annotation.names import NameIndex


@dataclass(slots=True, eq=False)
class _Video:
    """All rows of one video, and the indices of their files."""

    rows: list[LabelRow] = field(default_factory=list)
    files: set[int] = field(default_factory=set)


def merge(files: Sequence[LabelFile]) -> list[LabelRow]:
    """Merge the rows of all files into one row per video.

    Equal names are the same video, and so are names in different files that differ only in their number of folders.

    Raises:
        AnnotationError: a video has two labels, indices, signers, years, views or types, or a name matches two videos;
            the message has both rows.
    """
    videos: dict[tuple[str, ...], _Video] = {}
    for position, file in enumerate(files):
        for row in file.rows:
            video = videos.setdefault(row.video.parts, _Video())
            video.rows.append(row)
            video.files.add(position)
    several = sum(bool(file.rows) for file in files) > 1
    return [_row(video.rows) for video in (_joined(list(videos.values())) if several else videos.values())]


def _joined(videos: list[_Video]) -> Iterable[_Video]:
    """Join videos whose names have different numbers of folders, beginning with the largest number."""
    index = NameIndex(video.rows[0].video for video in videos)
    becomes = list(range(len(videos)))
    for position in sorted(range(len(videos)), key=lambda i: -len(index.names[i].parts)):
        video = videos[position]
        others = {becomes[other] for other in index.deeper(index.names[position])}
        # In one table, a name with folders and the same name without folders are two videos.
        fitting = sorted(other for other in others if not videos[other].files & video.files)
        if len(fitting) > 1:
            first, second = (videos[other].rows[0] for other in fitting[:2])
            raise AnnotationError(
                f"{video.rows[0].where}: {video.rows[0].video.text!r:.100} may be {first.video.text!r:.100} "
                f"({first.where}) or {second.video.text!r:.100} ({second.where}): add its folder to the name"
            )
        if fitting:
            becomes[position] = fitting[0]
            videos[fitting[0]].rows.extend(video.rows)
            videos[fitting[0]].files |= video.files
    return (videos[position] for position, target in enumerate(becomes) if position == target)


def _row(rows: list[LabelRow]) -> LabelRow:
    if len(rows) == 1:
        return rows[0]
    columns: dict[str, str] = {}
    others: dict[str, dict[str, None]] = {}
    for row in rows:
        for header, text in row.columns.items():
            if text != columns.setdefault(header, text):
                others.setdefault(header, {})[text] = None
    _check(rows, columns)
    return LabelRow(
        # The name with the most folders, in a spelling that does not depend on the order of files.
        video=min((row.video for row in rows), key=lambda video: (-len(video.parts), video.text)),
        label=next((row.label for row in rows if row.label is not None), None),
        index=next((row.index for row in rows if row.index is not None), None),
        columns=columns,
        where=next((row.where for row in rows if row.label is not None), rows[0].where),
        others={header: tuple(texts) for header, texts in others.items()},
    )


def _check(rows: list[LabelRow], columns: dict[str, str]) -> None:
    _agree("label", [(row.label, row) for row in rows if row.label is not None])
    _agree("class index", [(row.index, row) for row in rows if row.index is not None])
    for key in KNOWN:
        if key in columns:
            _agree(key, [(_comparable(row.columns[key]), row) for row in rows if key in row.columns])


def _agree(what: str, values: list[tuple[object, LabelRow]]) -> None:
    for value, row in values[1:]:
        first, first_row = values[0]
        if value != first:
            raise AnnotationError(
                f"two rows contradict each other on the {what} of {row.video.text!r:.100}: {first!r:.80} in "
                f"{first_row.where}, {value!r:.80} in {row.where}"
            )


def _comparable(text: str) -> float | str:
    as_number = parse_number(text)
    return text if as_number is None else as_number
