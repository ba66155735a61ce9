"""Split files: which videos a JSON or CSV file names in which split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import parse_video_name
from heatsvc.annotation.labels.tables import NAME, find_column
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.splits.assignment import Assignment, resolve_splits, splits_text
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds

_SPLIT_HEADERS = ("split", "set", "subset", "fold", "partition", "usage")
FORMATS = 'JSON {"train": [names], "test": [names]}, or CSV of name,split'
MAX_SPLITS = 1_000
MAX_SPLIT_NAME = 100
"""Characters of a split's name."""


@dataclass(frozen=True, slots=True)
class SplitEntry:
    """A video in a split file: its name, its split and its place in the file, for messages."""

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
    """Read a split file.

    Args:
        file: JSON ``{split: [names]}`` or ``{name: split}``, or CSV ``name,split`` with or without a header, detected
            by content.
        bounds: how large it may be.

    Raises:
        AnnotationError: another format, or an unusable name.
        LimitError: larger than `bounds` allow.
    """
    parsed = ParsedFile(file, bounds)
    splits: dict[str, None] = {}
    entries = []
    for name, split, where in _read_json(parsed, splits) if parsed.is_json else _read_csv(parsed):
        video, checked = parse_video_name(name, where, file.name), _check_split_name(split, where, file.name)
        entries.append(SplitEntry(video, checked, where))
        splits[checked] = None
    if len(splits) > MAX_SPLITS:
        raise AnnotationError(f"{len(splits):,} splits are too many: {MAX_SPLITS:,} at most", file=file.name)
    if not entries:
        raise AnnotationError(f"the split file names no video: send {FORMATS}", file=file.name)
    return SplitFile(file.name, tuple(splits), tuple(entries))


def assign_by_file(labels: Labels, split_file: SplitFile, policy: str) -> Assignment:
    """The splits of a file. A name that filters left out is no fault: the file may be of the whole dataset.

    Args:
        labels: the videos.
        split_file: the file.
        policy: the option split_policy.

    Raises:
        AnnotationError: a name that matches several videos.
    """
    claims: list[dict[str, None]] = [{} for _ in labels.rows]
    unknown: dict[tuple[str, ...], tuple[str, dict[str, None]]] = {}
    for entry in split_file.entries:
        row = labels.find_row(entry.video, entry.where, split_file.file)
        if row is not None:
            claims[row][entry.split] = None
        elif not labels.known.find(entry.video):
            unknown.setdefault(entry.video.parts, (entry.video.text, {}))[1][entry.split] = None
    order = {split: position for position, split in enumerate(split_file.splits)}
    done = "refused" if policy == "error" else "dropped"
    faults = []
    for name, splits in unknown.values():
        detail = f"in {splits_text(tuple(splits))}, but not in the labels"
        faults.append(Fault("unknown_to_labels", name, detail, split_file.file, done))
    return resolve_splits(
        labels.rows,
        [sorted(claimed, key=order.__getitem__) for claimed in claims],
        split_file.splits,
        policy,
        file=split_file.file,
        no_split=["labelled, but in no split"] * len(labels.rows),
        other_faults=faults,
    )


def _read_json(file: ParsedFile, splits: dict[str, None]) -> Iterator[tuple[str, str, str]]:
    """Name, split and place of each video; `splits` also gets those without videos."""
    document = file.json
    if not isinstance(document, dict):
        raise AnnotationError(f"a split file is {FORMATS}", file=file.name)
    by_name = bool(document) and all(isinstance(value, str) for value in document.values())
    for key, value in document.items():
        if by_name:
            yield key, value, f"{file.name}, {key!r:.100}"
            continue
        split = _check_split_name(key, file.name, file.name)
        splits[split] = None
        if not isinstance(value, list):
            raise AnnotationError(f"{key!r:.100} must hold a list of names: {FORMATS}", file=file.name)
        for position, name in enumerate(value):
            where = f"{file.name}, {split}[{position}]"
            if not isinstance(name, str):
                raise AnnotationError(f"{where} must be a name, a text, not {name!r:.60}", file=file.name)
            yield name, split, where


def _read_csv(file: ParsedFile) -> Iterator[tuple[str, str, str]]:
    header = _header(file.rows[file.top]) if file.rows else None
    name, split = header or (0, 1)
    for where, cells in file.rows_from(file.top + (header is not None)):
        if header is None and len([cell for cell in cells if cell.strip()]) != 2:
            raise AnnotationError(f"{where}: a row without a header is name,split", file=file.name)
        if max(name, split) >= len(cells):
            raise AnnotationError(f"{where}: a row of {len(cells)} cells has no name and split", file=file.name)
        yield cells[name], cells[split], where


def _header(cells: list[str]) -> tuple[int, int] | None:
    """The columns of name and split, where the row is a header."""
    name, split = find_column(cells, NAME), find_column(cells, _SPLIT_HEADERS)
    return None if name is None or split is None else (name, split)


def _check_split_name(text: str, where: str, file: str) -> str:
    split = text.strip()
    if not is_split_name(split):
        raise AnnotationError(
            f"{where}: the split's name must be a text of 1 to {MAX_SPLIT_NAME} characters, not {text!r:.60}", file=file
        )
    return split


def is_split_name(text: str) -> bool:
    """Whether a text can be a split's name."""
    return bool(text.strip()) and len(text) <= MAX_SPLIT_NAME and text.isprintable()
