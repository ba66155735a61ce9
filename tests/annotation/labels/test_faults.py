"""Faults of label files are reported with their rows."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from heatsvc.annotation.errors import AnnotationError
from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from tests.annotation.labels.files import (
    LABEL_JSON,
    MAP_CSV,
    MAP_JSON,
    WORKBOOK_2017,
    labels_of,
    write,
    write_json,
    write_sheets,
)


def refused(*files: Any, **options: Any) -> str:
    with pytest.raises(AnnotationError) as caught:
        labels_of(*files, **options)
    return caught.value.detail


def test_two_labels_for_one_video(tmp_path: Path) -> None:
    a = write(tmp_path, "a.csv", "name,label\nv.avi,yes\n")
    b = write_json(tmp_path, "b.json", {"V": "no"})
    assert refused(a, b) == (
        "two rows contradict each other on the label of 'V': 'yes' in a.csv, row 2, 'no' in b.json, 'V'"
    )


def test_two_labels_for_one_video_in_one_table(tmp_path: Path) -> None:
    detail = refused(write(tmp_path, "a.csv", "name,label\nv.avi,yes\nw,no\nv,no\n"))
    assert "'yes' in a.csv, row 2, 'no' in a.csv, row 4" in detail


def test_two_indices_for_one_video(tmp_path: Path) -> None:
    detail = refused(write(tmp_path, "a.csv", "v,1\n"), write(tmp_path, "b.csv", "v,2\n"))
    assert "class index of 'v': 1 in a.csv, row 1, 2 in b.csv, row 1" in detail


def test_two_signers_for_one_video(tmp_path: Path) -> None:
    detail = refused(write(tmp_path, "a.csv", "name,label,signer\nv,yes,1\nv,yes,01\nv,yes,2\n"))
    assert "on the signer of 'v'" in detail


def test_a_label_with_two_indices(tmp_path: Path) -> None:
    rows = {"a": {"label": "yes", "label_index": 0}, "b": {"label": "yes", "label_index": 1}}
    assert refused(write_json(tmp_path, "a.json", rows)) == (
        "the label 'yes' has two indices: 0 in a.json, 'a', 1 in a.json, 'b'"
    )


def test_an_index_with_two_labels(tmp_path: Path) -> None:
    a = write(tmp_path, "a.csv", "name,label,label_index\na,yes,0\n")
    assert refused(a, write_json(tmp_path, "map.json", {"no": 0})) == (
        "the class index 0 has two labels: 'no' in map.json, 'no', 'yes' in a.csv, row 2"
    )


def test_a_label_that_the_map_does_not_know(tmp_path: Path) -> None:
    a = write(tmp_path, "a.csv", "name,label\na,yes\n")
    assert refused(a, MAP_JSON).startswith("a.csv, row 2: the label 'yes' of 'a' has no index")


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    assert refused(write(tmp_path, "a.json", '{"a": "yes", "a": "no"}')) == (
        "the key 'a' occurs twice with different values: keep one of them"
    )


def test_a_name_that_may_be_two_videos(tmp_path: Path) -> None:
    a = write(tmp_path, "a.csv", "file,label\nfront/a.avi,yes\nside/a.avi,yes\n")
    assert refused(a, write_json(tmp_path, "b.json", {"a": "yes"})) == (
        "b.json, 'a': 'a' may be 'front/a' (a.csv, row 2) or 'side/a' (a.csv, row 3): add its folder to the name"
    )


def test_a_video_without_a_label(tmp_path: Path) -> None:
    assert refused(write(tmp_path, "a.csv", "name,label\na,yes\nb,\n")) == "a.csv, row 3: the video 'b' has no label"


def test_a_video_without_a_label_that_a_filter_leaves_out(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "name,label,type\na,yes,word\nb,,sentence\n")
    assert len(labels_of(file, types="word").rows) == 1


def test_a_label_without_a_video(tmp_path: Path) -> None:
    detail = refused(write(tmp_path, "a.csv", "name,label\na,yes\n,no\n"))
    assert detail == "a.csv, row 3: the row has no video name, but is neither empty nor a total"


@pytest.mark.parametrize("index", ["-1", "1000001", "1.5", "x", "99999999999999999999"])
def test_an_index_that_is_none(tmp_path: Path, index: str) -> None:
    detail = refused(write(tmp_path, "a.csv", f"a,1\nb,{index}\n"))
    assert detail == f"a.csv, row 2: the class index must be a whole number from 0 to 1,000,000, not '{index}'"


def test_a_filter_on_a_column_that_no_table_has() -> None:
    assert refused(LABEL_JSON, signers=">10") == (
        "signers needs a column signer, which no label file has: "
        "their columns are 'has_skeleton', 'label', 'label_index'"
    )


@pytest.mark.parametrize(
    ("wanted", "said"),
    [([], "signers is an empty list"), (">x", "> needs a number"), (">", "it must be a value, or a condition")],
)
def test_a_condition_that_is_none(wanted: Any, said: str) -> None:
    assert said in refused(WORKBOOK_2017, signers=wanted)


def test_filters_that_leave_nothing_say_which_values_there_are() -> None:
    labels = labels_of(WORKBOOK_2017, signers=">900")
    assert (labels.rows, labels.filtered) == ((), {"signers": 15})
    assert labels.values == {"signers": {"1": 9, "2": 6}}


def test_a_map_alone() -> None:
    assert refused(MAP_CSV) == (
        "the label files have no videos: a label map alone is not enough. label_map.csv was read as CSV with the "
        "header label,label_index, a label map ('10', '1000', '도와주세요')"
    )


def test_no_files() -> None:
    assert refused().startswith("there are no label files")


def test_a_table_without_known_headers(tmp_path: Path) -> None:
    assert refused(write(tmp_path, "a.csv", "take,meaning\na,yes\n")).startswith(
        "the first row, 'take', 'meaning', has no known columns of video names and labels: call them"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the table is empty"),
        (b"{", "the JSON is invalid"),
        (b"[1, 2]", "unknown label format"),
        (b'{"a": NaN}', "the JSON is invalid"),
        (b'{"a": [1]}', "unknown label format"),
        (b'{"a": {"label": {}}}', "must be a text or a number"),
        (b'{"a": {"x": 1}}', "label or label_index is required"),
        (b'{"a": ""}', "the label is empty"),
        (b'{"\\n": "x"}', "the video's name is empty"),
        (b'{"a\\u0001b": "x"}', "control characters"),
        (b"[" * 100_000, "the JSON is invalid"),
        (b"\x89PNG\r\n\x00\x00", "neither text in UTF-8 or CP949"),
        (b"name,label\n\xff\xff\xff,x", "neither text in UTF-8 or CP949"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "the workbook is in .xls format"),
        (b"PK\x03\x04 nothing else", "the zip archive is damaged"),
        (b'name,label\na,"' + b"x" * 200_000 + b'"', "row 2 is invalid CSV"),
        (b"name,label\na," + b"x" * 256, "the label has 256 characters: 255 at most"),
        (b"name,label\n" + b"x" * 256 + b",a", "256 characters: 255 at most"),
        (b"," * 2000, "row 1 has 2,001 cells"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refused(write(tmp_path, "a", content))


def test_too_many_cells(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="max_input_values"):
        labels_of(write(tmp_path, "a.csv", "name,label\n" * 100), bounds=Bounds(max_input_values=100))


def test_a_file_too_large(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="max_unpacked_bytes"):
        labels_of(write(tmp_path, "a.csv", "name,label\n" * 100), bounds=Bounds(max_unpacked_bytes=100))


def test_an_archive_that_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "name,label\n")
    assert "not an .xlsx workbook" in refused(write(tmp_path, "b.zip", (tmp_path / "a.zip").read_bytes()))


def test_a_workbook_without_sheets_of_labels(tmp_path: Path) -> None:
    assert refused(write_sheets(tmp_path, "a.xlsx", {"A": ""})) == "the table is empty"


def test_a_cell_at_the_far_end_of_a_sheet(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert refused(write_sheets(tmp_path, "a.xlsx", {"A": rows})).startswith(
        "the workbook cannot be read: the child process ended early, with code"
    )


def test_a_long_text_that_is_referred_to_often(tmp_path: Path) -> None:
    rows = ("<row>" + '<c t="s"><v>0</v></c>' * 900 + "</row>") * 40
    book = write_sheets(tmp_path, "a.xlsx", {"A": rows}, shared="가" * 100_000)
    detail = refused(book, bounds=Bounds(max_archive_ratio=10_000))
    assert detail.startswith("the workbook cannot be read: the child process ended early, with code")


def test_a_cell_longer_than_any_program_writes(tmp_path: Path) -> None:
    book = write_sheets(tmp_path, "a.xlsx", {"A": '<row><c t="s"><v>0</v></c></row>'}, shared="x" * 40_000)
    assert refused(book) == "sheet 'A' has a cell of 40,000 characters: 32,767 at most"


def test_a_workbook_that_unpacks_to_much(tmp_path: Path) -> None:
    book = write_sheets(tmp_path, "a.xlsx", {"A": "<row/>" * 2_000_000})
    with pytest.raises(LimitError, match="max_archive_ratio"):
        labels_of(book)
