"""Split files: which videos a JSON or CSV file puts into which split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import parse_video_name
from heatsvc.annotation.labels.tables import NAME, normalize_header
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment, apply_policy, splits_text
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds

SPLIT = ("split", "set", "subset", "fold", "partition", "usage")
"""Headers of the column of splits."""

MAX_SPLITS = 1_000
MAX_SPLIT_NAME = 100
"""Characters of a split's name."""

FORMS = 'JSON {"train": [names], "test": [names]}, or CSV of name,split'


@dataclass(frozen=True, slots=True)
class SplitEntry:
    """A video named by a split.

    Attributes:
        video: its name.
        split: the split.
        where: where it stands, for messages.
    """

    video: VideoName
    split: str
    where: str


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A split file.

    Attributes:
        file: its name.
        splits: names of the splits, in the file's order; one may be empty.
        entries: the videos, in the file's order.
    """

    file: str
    splits: tuple[str, ...]
    entries: tuple[SplitEntry, ...]


def read_split(file: InputFile, bounds: Bounds = DEFAULT_BOUNDS) -> SplitFile:
    """The splits that a file names.

    Args:
        file: JSON ``{split: [names]}`` or ``{name: split}``, or CSV ``name,split`` with or without a header; told by
            its content.
        bounds: how large it may be.

    Raises:
        AnnotationError: another form, or a name that is none.
        LimitError: larger than `bounds` allow.
    """
    content = ParsedFile(file, bounds)
    splits: dict[str, None] = {}
    entries = []
    for name, split, where in _json(content, splits) if content.is_json else _csv(content):
        entries.append(
            SplitEntry(parse_video_name(name, where, file.name), _split_name(split, where, file.name), where)
        )
        splits[entries[-1].split] = None
    if len(splits) > MAX_SPLITS:
        raise AnnotationError(f"{len(splits):,} splits are too many: {MAX_SPLITS:,} at most", file=file.name)
    if not entries:
        raise AnnotationError(f"the split file names no video: send {FORMS}", file=file.name)
    return SplitFile(file.name, tuple(splits), tuple(entries))


def _json(content: ParsedFile, splits: dict[str, None]) -> Iterator[tuple[str, str, str]]:
    document = content.json
    if not isinstance(document, dict):
        raise AnnotationError(f"a split file is {FORMS}", file=content.name)
    by_name = bool(document) and all(isinstance(value, str) for value in document.values())
    for key, value in document.items():
        if by_name:
            yield key, value, f"{content.name}, {key!r:.100}"
            continue
        split = _split_name(key, content.name, content.name)
        splits[split] = None
        if not isinstance(value, list):
            raise AnnotationError(f"{key!r:.100} must hold a list of names: {FORMS}", file=content.name)
        for position, name in enumerate(value):
            where = f"{content.name}, {split}[{position}]"
            if not isinstance(name, str):
                raise AnnotationError(f"{where} must be a name, a text, not {name!r:.60}", file=content.name)
            yield name, split, where


def _csv(content: ParsedFile) -> Iterator[tuple[str, str, str]]:
    rows = content.rows
    top = next((position for position, row in enumerate(rows) if any(cell.strip() for cell in row)), 0)
    name, split = 0, 1
    header = _header(rows[top]) if rows else None
    if header is not None:
        name, split = header
        top += 1
    for position, cells in enumerate(rows[top:], top + 1):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{content.name}, row {position}"
        if header is None and len([cell for cell in cells if cell.strip()]) != 2:
            raise AnnotationError(f"{where}: a row without a header is name,split", file=content.name)
        if max(name, split) >= len(cells):
            raise AnnotationError(f"{where}: a row of {len(cells)} cells has no name and split", file=content.name)
        yield cells[name], cells[split], where


def _header(cells: list[str]) -> tuple[int, int] | None:
    """Columns of name and split, where the row is a header."""
    headers = [normalize_header(cell) for cell in cells]
    split = next((headers.index(header) for header in SPLIT if header in headers), None)
    name = next((headers.index(header) for header in NAME if header in headers), None)
    return None if name is None or split is None else (name, split)


def _split_name(text: str, where: str, file: str) -> str:
    split = text.strip()
    if not split or len(split) > MAX_SPLIT_NAME or not split.isprintable():
        raise AnnotationError(
            f"{where}: the split's name must be a text of 1 to {MAX_SPLIT_NAME} characters, not {text!r:.60}", file=file
        )
    return split


def assign_by_file(labels: Labels, split_file: SplitFile, options: AnnotationOptions) -> Assignment:
    """The splits of a file.

    A name that filters left out is no fault: the file may be of the whole dataset.

    Raises:
        AnnotationError: a name that may be two videos.
    """
    claims: list[dict[str, None]] = [{} for _ in labels.rows]
    unknown: dict[tuple[str, ...], tuple[str, dict[str, None]]] = {}
    for entry in split_file.entries:
        known = labels.known.find(entry.video)
        rows = [position for position in known if position < len(labels.rows)]
        if len(rows) > 1:
            first, second = (labels.rows[position] for position in rows[:2])
            raise AnnotationError(
                f"{entry.where}: {entry.video.text!r:.100} may be {first.video.text!r:.100} ({first.where}) or "
                f"{second.video.text!r:.100} ({second.where}): tell its folder too",
                file=split_file.file,
            )
        if rows:
            claims[rows[0]][entry.split] = None
        elif not known:
            unknown.setdefault(entry.video.parts, (entry.video.text, {}))[1][entry.split] = None
    order = {split: position for position, split in enumerate(split_file.splits)}
    return apply_policy(
        labels.rows,
        [sorted(claimed, key=order.__getitem__) for claimed in claims],
        split_file.splits,
        options,
        file=split_file.file,
        why_none=["labelled, but in no split"] * len(labels.rows),
        others=[
            Fault(
                "unknown_to_labels",
                name,
                f"in {splits_text(tuple(splits))}, but no label is for it",
                split_file.file,
                "refused" if options.split_policy == "error" else "dropped",
            )
            for name, splits in unknown.values()
        ],
    )
