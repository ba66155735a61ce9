"""Frame counts by name, as JSON and CSV."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.trim.frame_counts import FrameCounts, read_frame_counts
from heatsvc.bounds import DEFAULT_BOUNDS
from tests.annotation.labels.files import KETI, WORKBOOK_2017, WORKBOOK_2018, labels_of, write, write_json

REMOVAL = InputFile("removal_frames.json", KETI.parent / "removal_frames.json")


def few(folder: Path) -> Labels:
    return labels_of(write(folder, "labels.csv", "name,label,type\na,yes,w\nb,no,w\nd,no,s\n"), types="w")


def trimmed(labels: Labels, *files: InputFile) -> FrameCounts:
    return read_frame_counts(files, None, labels, files[0].path.parent / "work", DEFAULT_BOUNDS)


def test_keti_counts() -> None:
    trim = trimmed(labels_of(WORKBOOK_2017, WORKBOOK_2018, types="단어"), REMOVAL)
    assert trim == FrameCounts({0: 61, 1: 52, 2: 19, 12: 64, 14: 67}, ())


@pytest.mark.parametrize(
    "text",
    [
        "a.avi,5\nB,7\n",
        "name,frames\na,5\nb,7\n",
        "n_frames;file\n5;a\n7;b\n",
        "video_name,length_in_frames\na,5\nb,7.0",
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    assert trimmed(few(tmp_path), write(tmp_path, "n.csv", text)).frames == {0: 5, 1: 7}


def test_several_files_that_agree(tmp_path: Path) -> None:
    files = (write(tmp_path, "n.csv", "a,5\n"), write_json(tmp_path, "n.json", {"a.avi": 5, "b": 7}))
    assert trimmed(few(tmp_path), *files).frames == {0: 5, 1: 7}


def test_two_counts_that_differ(tmp_path: Path) -> None:
    files = (write(tmp_path, "n.csv", "a,5\n"), write_json(tmp_path, "n.json", {"a.avi": 6}))
    with pytest.raises(AnnotationError) as caught:
        trimmed(few(tmp_path), *files)
    assert caught.value.detail == "the frame counts of 'a' differ: 5 frames in n.csv, row 1, 6 in n.json, 'a.avi'"


def test_a_count_that_no_label_knows(tmp_path: Path) -> None:
    assert trimmed(few(tmp_path), write_json(tmp_path, "n.json", {"x.avi": 6, "d": 3})).faults == (
        Fault("trim_unknown", "x", "6 frames, but not in the labels", "n.json", "dropped"),
    )


def test_a_name_that_may_be_two(tmp_path: Path) -> None:
    labels = labels_of(write(tmp_path, "labels.csv", "name,label\nx/a,yes\ny/a,no\n"))
    with pytest.raises(AnnotationError, match=r"'a' may be 'x/a' \(labels.csv, row 2\) or 'y/a'"):
        trimmed(labels, write(tmp_path, "n.csv", "a,5\n"))


@pytest.mark.parametrize("count", ["0", "-3", "1.5", '"x"', "true", "null", "[1]", "1e400", "{}"])
def test_a_count_that_is_none(tmp_path: Path, count: str) -> None:
    with pytest.raises(AnnotationError, match=r"whole number of 1 or more|the JSON is invalid"):
        trimmed(few(tmp_path), write(tmp_path, "n.json", f'{{"a": {count}}}'))


@pytest.mark.parametrize("content", ["", "{}", "[1]", "name,frames", "a"])
def test_tables_that_are_none(tmp_path: Path, content: str) -> None:
    with pytest.raises(AnnotationError, match=r"no frame counts|rows must be name,frames"):
        trimmed(few(tmp_path), write(tmp_path, "n.csv", content))


def test_a_first_row_that_is_no_header_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"n.csv, row 1: .* whole number of 1 or more, not '12.5'"):
        trimmed(few(tmp_path), write(tmp_path, "n.csv", "a,12.5\nb,9\n"))
