"""SplitFile: reads split files, which list the videos of all splits, or one split per file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import read_label_file
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import parse_video_name, parse_whole_number
from heatsvc.annotation.labels.tables import NAME, SPLIT, find_column, normalize_header
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds

FORMATS = 'JSON {"train": [names], "test": [names]}, CSV of name,split, or a list of names for each split, as train.txt'
MAX_SPLITS = 1_000
MAX_SPLIT_NAME = 100
"""Maximum number of characters of a split's name."""

USUAL_SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval")
"""Splits that a file's name may contain, in the order of the dataset's splits."""

_BESIDE = (
    *("version", "name", "title", "description", "info", "meta", "metadata", "source", "author", "authors"),
    *("date", "created", "license", "licence", "url", "seed", "comment"),
)
"""Keys of a JSON split file that are not splits."""


@dataclass(frozen=True, slots=True)
class SplitEntry:
    """A video in a split file: its name, its split, the file, and its place in the file, for messages."""

    video: VideoName
    split: str
    file: str
    where: str


@dataclass(frozen=True, slots=True)
class SplitFile:
    """The split files of a dataset.

    Attributes:
        file: their names.
        splits: names of the splits, in the files' order; a split may be empty.
        entries: the videos, in the files' order.
        assumed: files whose encoding was assumed.
    """

    file: str
    splits: tuple[str, ...]
    entries: tuple[SplitEntry, ...]
    assumed: tuple[str, ...] = ()


def read_split(
    files: Sequence[InputFile], options: AnnotationOptions | None = None, bounds: Bounds = DEFAULT_BOUNDS
) -> SplitFile:
    """Read the split files of a dataset.

    Args:
        files: each is JSON ``{split: [names]}`` or ``{name: split}``; CSV ``name,split`` with or without a header; a
            list or table of the videos of one split, whose name is part of the file name, as ``train.txt``; or a table
            of labels with a column of splits. The format is detected by content.
        options: names of columns, and the encoding.
        bounds: limits of a file.

    Raises:
        AnnotationError: the format is unknown, or a name is invalid.
        LimitError: a bound is exceeded.
    """
    options = options or AnnotationOptions.model_validate({})
    splits: dict[str, None] = {}
    entries: list[SplitEntry] = []
    assumed = []
    for file in sorted(files, key=lambda file: _rank(file.name)):
        parsed = ParsedFile(file, bounds, options.encoding)
        before = len(entries)
        for name, split, where in _read_json(parsed, splits, options) if parsed.is_json else _read_csv(parsed, options):
            video, checked = parse_video_name(name, where, file.name), _check_split_name(split, where, file.name)
            entries.append(SplitEntry(video, checked, file.name, where))
            splits[checked] = None
        if len(entries) == before:
            raise AnnotationError(f"the split file has no videos: send {FORMATS}", file=file.name)
        if parsed.is_encoding_assumed:
            assumed.append(file.name)
    if len(splits) > MAX_SPLITS:
        raise AnnotationError(f"{len(splits):,} splits are too many: {MAX_SPLITS:,} at most", file=files[0].name)
    return SplitFile(", ".join(file.name for file in files), tuple(splits), tuple(entries), tuple(assumed))


def _rank(name: str) -> int:
    """Sort key of a file: train comes first."""
    found = _usual_in(name)
    return USUAL_SPLITS.index(found[0]) if len(found) == 1 else len(USUAL_SPLITS)


def _usual_in(name: str) -> list[str]:
    """The usual split names that a file's name contains."""
    words = re.findall("[a-z]+", PurePosixPath(name).name.lower())
    return [split for split in USUAL_SPLITS if split in words]


def _split_of_file(file: str) -> str:
    """The split of a file without split names, from its file name: ``train`` for ``train_labels.csv``."""
    found = _usual_in(file)
    if len(found) != 1:
        raise AnnotationError(
            "the file lists videos without splits: put the split into the file's name, as in train.txt or "
            f"val_labels.csv, or send {FORMATS}",
            file=file,
        )
    return found[0]


def _read_json(file: ParsedFile, splits: dict[str, None], options: AnnotationOptions) -> Iterator[tuple[str, str, str]]:
    """Name, split and place of each video; `splits` also gets those without videos."""
    document = file.json
    if isinstance(document, list) and document:
        yield from _read_videos(file, options)
        return
    if not isinstance(document, dict):
        raise AnnotationError(f"a split file must be {FORMATS}", file=file.name)
    document = {key: value for key, value in document.items() if isinstance(value, list) or not _is_beside(key)}
    if document and all(isinstance(value, dict) for value in document.values()):
        yield from _read_videos(file, options)
        return
    by_name = bool(document) and all(isinstance(value, str) for value in document.values())
    for key, value in document.items():
        if by_name:
            yield key, value, f"{file.name}, {key!r:.100}"
            continue
        split = _check_split_name(key, file.name, file.name)
        splits[split] = None
        if not isinstance(value, list):
            raise AnnotationError(f"{key!r:.100} must be a list of names: send {FORMATS}", file=file.name)
        for position, name in enumerate(value):
            where = f"{file.name}, {split}[{position}]"
            if not isinstance(name, str):
                raise AnnotationError(f"{where} must be a name as text, not {name!r:.60}", file=file.name)
            yield name, split, where


def _is_beside(key: str) -> bool:
    return normalize_header(key) in _BESIDE


def _read_csv(file: ParsedFile, options: AnnotationOptions) -> Iterator[tuple[str, str, str]]:
    first = file.rows[file.top] if file.rows else []
    header = _header(first, options)
    name, split = header or (0, 1)
    filled = [cell for cell in first if cell.strip()]
    if header is None and (
        len(filled) == 1
        or (len(filled) == 2 and parse_whole_number(filled[1]) is not None)
        or find_column(first, filter(None, (options.columns.name, *NAME))) is not None
    ):
        yield from _read_videos(file, options)
        return
    for where, cells in file.rows_from(file.top + (header is not None)):
        if header is None and len([cell for cell in cells if cell.strip()]) != 2:
            raise AnnotationError(f"{where}: without a header, rows must be name,split", file=file.name)
        if max(name, split) >= len(cells):
            raise AnnotationError(
                f"{where}: the row has {len(cells)} cells, and lacks a name or a split", file=file.name
            )
        yield cells[name], cells[split], where


def _read_videos(file: ParsedFile, options: AnnotationOptions) -> Iterator[tuple[str, str, str]]:
    """The videos of a label file or a list of names; the split is in a column or in the file's name."""
    found = read_label_file(file, options)
    header = next((header for header in sorted(found.headers) if normalize_header(header) in SPLIT), None)
    for row in found.rows:
        if header is None:
            yield row.video.text, _split_of_file(file.name), row.where
        elif header in row.columns:
            yield row.video.text, row.columns[header], row.where
    if not found.rows:
        for entry in found.classes:  # a list of names looks like a list of labels
            yield entry.label, _split_of_file(file.name), entry.where


def _header(cells: list[str], options: AnnotationOptions) -> tuple[int, int] | None:
    """The columns of name and split, if the row is a header."""
    name = find_column(cells, filter(None, (options.columns.name, *NAME)))
    split = find_column(cells, SPLIT)
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
