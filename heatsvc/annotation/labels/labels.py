"""Labels: the videos that label files name, filtered, each with its class."""

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
"""What a file contains, and what reads it: None if it is of another format. The first that fits is taken.

To add a format is to add a function and an entry.
"""

WORKBOOK = "an .xlsx workbook, each sheet a table with 파일명 and 한국어"
_WORKBOOK_PART = "xl/workbook.xml"
_WORKBOOK_EXTENSION = ".xlsx"
LABEL_EXTENSIONS = (".json", ".csv", ".tsv", ".txt", _WORKBOOK_EXTENSION)
"""Extensions of label files in a folder or an archive; others beside them are ignored."""

_SAMPLED = 3


@dataclass(frozen=True, slots=True)
class LabelSource:
    """What a label file was taken for.

    Attributes:
        file: its name.
        format: a key of FORMATS, or WORKBOOK.
        encoding: of its text, "" of a workbook.
        assumed: whether the encoding was assumed, since nothing declares it.
        rows, classes: numbers of videos and classes in it.
        labels: the first three labels that differ, as they were read.
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
        rows: the videos used, one row each with label and index, sorted by the parts of their names.
        classes: labels by class index; "" at an index without one, the index as text where only that is known.
        filtered: how many videos each filter in the options left out, by the option's name.
        values: of each filter in the options how many videos have each value of its column, in all files.
        sources: what each label file was taken for.
        headers: columns of the tables.
        index: finds rows by any spelling of the name.
        known: finds videos used (positions of rows) and, after them, those that filters left out.
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
        """The position of a video's row; None where filters left it out, or it is not in the labels.

        Args:
            video: its name in another file.
            where: the name's place there, for messages.
            file: the file's name.

        Raises:
            AnnotationError: the name matches several videos.
        """
        rows = [position for position in self.known.find(video) if position < len(self.rows)]
        if len(rows) > 1:
            first, second = (self.rows[position] for position in rows[:2])
            raise AnnotationError(
                f"{where}: {video.text!r:.100} may be {first.video.text!r:.100} ({first.where}) or "
                f"{second.video.text!r:.100} ({second.where}): give its folder, too",
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
    """The videos that label files name, filtered, each with its class; none where the filters leave none.

    Args:
        files: tables and label maps of any format, detected by content, and archives of such; merged.
        options: filters, names of columns, the encoding, and whether whole numbers are labels.
        bounds: how large a file may be.
        token: checked between steps; cancels the work.
        work: a folder for archives that have to be decompressed; None where there are none.
        keypoint_names: names of the keypoint files, asked for where texts with indices may be videos or classes.
        beside: label files that were found among the keypoints.

    Raises:
        AnnotationError: a file of no known format, a row that cannot be read, files that contradict each other, or a
            filter on a column that no table has.
        LimitError: larger than `bounds` allow.
    """
    if not files and not beside:
        raise AnnotationError("no label files: send at least one, such as KETI's workbook", field="labels")
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
            f"the label files name no video: a label map alone is not enough. {describe_sources(sources)}",
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
    """What label files were taken for, for messages: the first few."""
    return "; ".join(
        f"{one.file!s:.100} was read as {one.format} ({', '.join(map(repr, one.labels))!s:.200})"
        for one in sources[:_SAMPLED]
    )


def _parsed_files(
    files: Sequence[InputFile], options: AnnotationOptions, bounds: Bounds, token: CancelToken, work: Path | None
) -> Iterator[ParsedFile]:
    """The files, and in place of archives the label files in them."""
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
                    f"the archive has the workbook {parsed.name!r:.100}: send it as it is", file=file.name
                )
            yield parsed


def is_label_file(name: str) -> bool:
    """Whether a file in a folder or an archive is read as labels, by its name; others beside them are ignored."""
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
    """Each file with its rows, with whole numbers as indices where all files of its format have only such labels."""
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
    raise AnnotationError(f"none of these: {'; '.join((WORKBOOK, *FORMATS))}", file=file.name)


def read_label_file(file: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The contents of one text file of labels.

    Raises:
        AnnotationError: of no known format, or a row that cannot be read.
    """
    return _read_text(file, options)[1]


def _decide(files: Sequence[LabelFile], keypoint_names: Callable[[], NameIndex] | None) -> list[LabelFile]:
    """The files with videos or classes each, where a file's texts with indices may be both.

    They are videos if a keypoint file has the name of one of them. Where keypoint files are not known, it is what the
    file's format has more often. Where nothing else names videos they are videos.
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
                f"no label file has a column {wanted!r:.80}: they have {columns_text(sorted(headers)) or 'none'}",
                field=f"columns.{key}",
            )
