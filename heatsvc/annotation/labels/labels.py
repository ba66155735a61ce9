"""Labels: the videos of the label files, filtered, each with its class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from heatsvc.annotation.errors import AnnotationError, as_annotation_errors
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels import csv_labels, json_labels, morpheme, text_lists, wlasl
from heatsvc.annotation.labels.classes import assign_class_indices, take_indices
from heatsvc.annotation.labels.filters import FILTERS, columns_text, filter_rows
from heatsvc.annotation.labels.merge import merge
from heatsvc.annotation.labels.name_pattern import NamePattern, add_columns
from heatsvc.annotation.labels.parsed_file import ParsedFile, Source
from heatsvc.annotation.labels.rows import LabelFile, LabelRow
from heatsvc.annotation.labels.tables import normalize_header
from heatsvc.annotation.labels.workbook import is_workbook, read_workbooks
from heatsvc.annotation.names import NameIndex, VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources.archives import ArchiveLister
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.archives.frames import FRAME_ENDING
from heatsvc.pose.archives.zip import is_hidden

MORPHEME = "JSON of AIHub, morpheme.json"
FORMATS: dict[str, Callable[[ParsedFile, AnnotationOptions], LabelFile | None]] = {
    MORPHEME: morpheme.read_morpheme,
    "JSON of WLASL, [{gloss, instances}]": wlasl.read_wlasl,
    "JSON {name: {label, label_index}}": json_labels.read_json_rows,
    "JSON [{name, label}]": json_labels.read_json_records,
    "JSON {label: index}, a label map, or {name: index}": json_labels.read_json_map,
    "JSON {name: label}": json_labels.read_json_labels,
    "CSV with the header label,label_index, a label map": csv_labels.read_csv_map,
    "lines of index and label, a list of classes": text_lists.read_index_label_list,
    "CSV of name,index without a header": csv_labels.read_csv_pairs,
    "lines of name and index": text_lists.read_name_index_list,
    "one label a line, or JSON [label], a list of classes": text_lists.read_class_list,
    "CSV with a header, such as KETI's or name,label": csv_labels.read_csv_table,
}
"""Formats and their functions, which return None for a file of another format. The first format that fits is used.

To add a format, add a function and an entry.
"""

WORKBOOK = "an .xlsx workbook, each sheet a table with 파일명 and 한국어"
_WORKBOOK_PART = "xl/workbook.xml"
_WORKBOOK_EXTENSION = ".xlsx"
LABEL_EXTENSIONS = (".json", ".csv", ".tsv", ".txt", _WORKBOOK_EXTENSION)
"""Extensions of label files in a folder or an archive; other files are ignored."""

_SAMPLED = 3


@dataclass(frozen=True, slots=True)
class LabelSource:
    """The detected format of a label file, and its contents.

    Attributes:
        file: name of the file.
        format: a key of FORMATS, or WORKBOOK.
        encoding: encoding of its text; "" for a workbook.
        assumed: whether the encoding was assumed, because nothing declares it.
        rows, classes: number of its videos and classes.
        labels: its first three different labels.
    """

    file: str
    format: str
    encoding: str
    assumed: bool
    rows: int
    classes: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """All label files of a dataset.

    Attributes:
        rows: one row with label and index for each selected video, sorted by the parts of their names.
        classes: labels by class index; "" for an index without a label, or the index as text if labels are unknown.
        filtered: number of videos that each filter excludes, by the option's name.
        values: for each filter, the number of videos with each value of its column, in all files.
        sources: the detected format of each label file.
        headers: columns of the tables.
        index: finds rows by any spelling of the name.
        known: finds selected videos (indices of rows) and, after them, excluded videos.
    """

    rows: tuple[LabelRow, ...]
    classes: tuple[str, ...]
    filtered: Mapping[str, int]
    values: Mapping[str, Mapping[str, int]]
    sources: tuple[LabelSource, ...]
    headers: frozenset[str]
    index: NameIndex
    known: NameIndex

    def find_row(self, video: VideoName, where: str, file: str) -> int | None:
        """The index of a video's row; None if filters exclude the video, or it is not in the labels.

        Args:
            video: the video's name in another file.
            where: the place of the name in that file, for messages.
            file: name of that file.

        Raises:
            AnnotationError: the name matches several videos.
        """
        rows = [position for position in self.known.find(video) if position < len(self.rows)]
        if len(rows) > 1:
            first, second = (self.rows[position] for position in rows[:2])
            raise AnnotationError(
                f"{where}: {video.text!r:.100} may be {first.video.text!r:.100} ({first.where}) or "
                f"{second.video.text!r:.100} ({second.where}): add its folder to the name",
                file=file,
            )
        return rows[0] if rows else None


def read_labels(
    files: Sequence[InputFile],
    options: AnnotationOptions,
    bounds: Bounds = DEFAULT_BOUNDS,
    token: CancelToken = NEVER_CANCELLED,
    *,
    work: Path | None = None,
    keypoint_names: Callable[[], NameIndex] | None = None,
    beside: Sequence[Source] = (),
) -> Labels:
    """Read the videos of label files, filter them, and assign their classes.

    Args:
        files: tables and label maps of any format, detected by content, and archives of them; they are merged.
        options: filters, names of columns, the encoding, and how to read whole numbers.
        bounds: limits of a file.
        token: checked between steps; cancels the work.
        work: a folder for decompressed archives; None if there are no archives.
        keypoint_names: returns the names of the keypoint files; called if texts with indices may be videos or classes.
        beside: label files that were found among the keypoints.

    Raises:
        AnnotationError: a file has an unknown format, a row cannot be read, files contradict each other, or a filter
            uses a column that no table has.
        LimitError: a bound is exceeded.
    """
    if not files and not beside:
        raise AnnotationError("there are no label files: send at least one, such as KETI's workbook", field="labels")
    parsed = chain(
        _parsed_files(files, options, bounds, token, work),
        (ParsedFile(file, bounds, options.encoding) for file in beside),
    )
    read = _read_files(parsed, options, token)
    found = _decide([file for _, file in read], keypoint_names)
    headers = frozenset().union(*(file.headers for file in found))
    _check_columns(options, headers)
    sources = tuple(_source(source, file) for (source, _), file in zip(read, found, strict=True))
    rows = merge(found)
    if not rows:
        raise AnnotationError(
            f"the label files have no videos: a label map alone is not enough. {describe_sources(sources)}",
            field="labels",
        )
    if options.name_pattern is not None:
        pattern = NamePattern.of(options.name_pattern)
        rows, headers = add_columns(rows, pattern), headers.union(pattern.columns)
    used, left_out, filtered = filter_rows(rows, options, headers)
    numbered, classes = assign_class_indices(used, (entry for file in found for entry in file.classes))
    numbered.sort(key=lambda row: row.video.parts)
    left_out.sort(key=lambda row: row.video.parts)
    index = NameIndex(row.video for row in numbered)
    known = NameIndex(row.video for row in (*numbered, *left_out)) if left_out else index
    values = {name: Counter(row.columns.get(FILTERS[name], "") for row in rows) for name in filtered}
    return Labels(tuple(numbered), classes, filtered, values, sources, headers, index, known)


def describe_sources(sources: Sequence[LabelSource]) -> str:
    """The detected formats of the first few label files, for messages."""
    return "; ".join(
        f"{one.file!s:.100} was read as {one.format} ({', '.join(map(repr, one.labels))!s:.200})"
        for one in sources[:_SAMPLED]
    )


def _parsed_files(
    files: Sequence[InputFile], options: AnnotationOptions, bounds: Bounds, token: CancelToken, work: Path | None
) -> Iterator[ParsedFile]:
    """The files, with archives replaced by the label files in them."""
    for number, file in enumerate(files):
        members = None
        if work is not None:
            with as_annotation_errors(file.name):
                members = ArchiveLister(file, work / f"labels-{number}.tar", is_label_file, bounds, token).files()
        if not members or any(member.name == _WORKBOOK_PART for member in members):
            yield ParsedFile(file, bounds, options.encoding)
            continue
        for member in members:
            parsed = ParsedFile(member, bounds, options.encoding)
            if parsed.name.lower().endswith(_WORKBOOK_EXTENSION):
                raise AnnotationError(
                    f"the archive has the workbook {parsed.name!r:.100}: send it without an archive", file=file.name
                )
            yield parsed


def is_label_file(name: str) -> bool:
    """Whether a file in a folder or an archive is read as labels, by its name."""
    if name.lower().endswith(FRAME_ENDING) or is_hidden(name):
        return False
    return name == _WORKBOOK_PART or name.lower().endswith(LABEL_EXTENSIONS)


def _read_files(
    files: Iterable[ParsedFile], options: AnnotationOptions, token: CancelToken
) -> list[tuple[LabelSource, LabelFile]]:
    found: list[tuple[LabelSource, LabelFile]] = []
    workbooks: list[ParsedFile] = []
    for file in files:
        token.raise_if_cancelled()
        if is_workbook(file):
            workbooks.append(file)
            continue
        format, content = _read_text(file, options)
        source = LabelSource(file.name, format, file.encoding, file.is_encoding_assumed, 0, 0, ())
        found.append((source, content))
    # One process reads them all.
    for file, content in zip(workbooks, read_workbooks(workbooks, options, token) if workbooks else (), strict=True):
        found.append((LabelSource(file.name, WORKBOOK, "", False, 0, 0, ()), content))
    return [(source, replace(content, rows=rows)) for (source, content), rows in _with_indices(found, options)]


def _with_indices(
    found: Sequence[tuple[LabelSource, LabelFile]], options: AnnotationOptions
) -> Iterator[tuple[tuple[LabelSource, LabelFile], tuple[LabelRow, ...]]]:
    """The files, with whole numbers as indices if all files of their format have only such labels."""
    by_format: dict[str, list[LabelRow]] = {}
    for source, content in found:
        by_format.setdefault(source.format, []).extend(content.rows)
    taken = {format: iter(take_indices(rows, options)) for format, rows in by_format.items()}
    for source, content in found:
        yield (source, content), tuple(islice(taken[source.format], len(content.rows)))


def _read_text(file: ParsedFile, options: AnnotationOptions) -> tuple[str, LabelFile]:
    for format, read in FORMATS.items():
        if (found := read(file, options)) is not None:
            return format, found
    raise AnnotationError(f"unknown label format: it must be one of {'; '.join((WORKBOOK, *FORMATS))}", file=file.name)


def read_label_file(file: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The contents of one text file of labels.

    Raises:
        AnnotationError: the format is unknown, or a row cannot be read.
    """
    return _read_text(file, options)[1]


def _decide(files: Sequence[LabelFile], keypoint_names: Callable[[], NameIndex] | None) -> list[LabelFile]:
    """Decide for each file whether its texts with indices are videos or classes.

    They are videos if a keypoint file has the name of one of them. If keypoint files are unknown, the file's format
    decides. They are also videos if no other file has videos.
    """
    if not any(file.undecided for file in files):
        return list(files)
    names = keypoint_names() if keypoint_names is not None else None

    def of_videos(file: LabelFile) -> bool:
        if file.undecided is None or names is None:
            return bool(file.rows) and file.undecided != "classes"
        return any(names.find(row.video) for row in file.rows)

    if not any(map(of_videos, files)):
        return [replace(file, classes=(), undecided=None) if file.undecided else file for file in files]
    return [
        file
        if file.undecided is None
        else replace(file, classes=(), undecided=None)
        if of_videos(file)
        else replace(file, rows=(), undecided=None)
        for file in files
    ]


def _source(source: LabelSource, file: LabelFile) -> LabelSource:
    texts = dict.fromkeys(
        chain(
            (entry.label for entry in file.classes),
            (row.label if row.label is not None else str(row.index) for row in file.rows),
        )
    )
    return replace(source, rows=len(file.rows), classes=len(file.classes), labels=tuple(islice(texts, _SAMPLED)))


def _check_columns(options: AnnotationOptions, headers: frozenset[str]) -> None:
    known = {normalize_header(header) for header in headers}
    for key in ("name", "label"):
        wanted = getattr(options.columns, key)
        if wanted is not None and normalize_header(wanted) not in known:
            raise AnnotationError(
                f"no label file has a column {wanted!r:.80}: they have {columns_text(sorted(headers)) or 'no columns'}",
                field=f"columns.{key}",
            )
