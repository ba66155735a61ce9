"""Tables that are not KETI's, and how several files are merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatsvc.annotation.errors import AnnotationError
from tests.annotation.labels.files import KETI_HEADER, indices, labels_of, texts, write, write_json, write_workbook


@pytest.mark.parametrize(
    "header", ["name,label", "filename,gloss", "File Name,word", "path,class", "video,words", "파일명,한국어"]
)
def test_usual_headers(tmp_path: Path, header: str) -> None:
    labels = labels_of(write(tmp_path, "a.csv", f"{header}\nb.mp4,yes\na.mp4,no\n"))
    assert indices(labels) == {"a": 0, "b": 1}


def test_columns_named_by_the_options(tmp_path: Path) -> None:
    header = "path,spoken_language,signed_language,start,end,words,glosses,priority"
    rows = "ase/a.pose,en,ase,0,0,a,A,0\ngsg/a.pose,de,gsg,0,0,a,A,0\ngsg/b.pose,de,gsg,0,0,b,B,0"
    file = write(tmp_path, "index.csv", f"{header}\n{rows}\n")
    labels = labels_of(file, columns={"name": "path", "label": "words"})
    assert indices(labels) == {"ase/a": 0, "gsg/a": 0, "gsg/b": 1}
    assert labels.rows[1].columns["signed_language"] == "gsg"


def test_the_options_name_columns_that_nobody_would_guess(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "Take,Meaning\na,yes\n")
    assert texts(labels_of(file, columns={"name": "take", "label": "meaning"})) == {"a": "yes"}


def test_a_named_column_that_is_not_there(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "name,label\na,yes\n")
    with pytest.raises(AnnotationError, match="no label file has a column 'take': they have 'label', 'name'"):
        labels_of(file, columns={"name": "take"})


def test_json_of_names_and_labels(tmp_path: Path) -> None:
    assert indices(labels_of(write_json(tmp_path, "a.json", {"a.avi": "yes", "b.avi": 10}))) == {"a": 1, "b": 0}


def test_indices_in_a_table(tmp_path: Path) -> None:
    labels = labels_of(write(tmp_path, "a.csv", "name,label,label_index\na,yes,4\nb,no,1\nc,no,\n"))
    assert indices(labels) == {"a": 4, "b": 1, "c": 1}
    assert labels.classes == ("", "no", "", "", "yes")


def test_a_map_has_classes_that_no_video_shows(tmp_path: Path) -> None:
    table = write(tmp_path, "a.csv", "name,label\na,yes\n")
    labels = labels_of(table, write_json(tmp_path, "map.json", {"no": 0, "yes": 1, "maybe": 2}))
    assert indices(labels) == {"a": 1}
    assert labels.classes == ("no", "yes", "maybe")


def test_files_about_one_video_are_united(tmp_path: Path) -> None:
    table = write(tmp_path, "a.csv", "file,label,signer\nA.avi,yes,7\n")
    (row,) = labels_of(table, write_json(tmp_path, "b.json", {"a": {"label": "yes", "label_index": 3}})).rows
    assert (row.video.text, row.label, row.index, row.columns["signer"]) == ("A", "yes", 3, "7")


def test_a_name_with_folders_and_one_without_are_one_video(tmp_path: Path) -> None:
    table = write(tmp_path, "a.csv", "file,label\nfront/a.avi,yes\n")
    assert texts(labels_of(write_json(tmp_path, "b.json", {"a": "yes"}), table)) == {"front/a": "yes"}


def test_folders_of_one_table_are_different_videos(tmp_path: Path) -> None:
    table = write(tmp_path, "a.csv", "file,label\nfront/a.avi,yes\nside/a.avi,no\na.avi,yes\n")
    assert texts(labels_of(table)) == {"a": "yes", "front/a": "yes", "side/a": "no"}


def test_a_label_of_ten_stays_ten(tmp_path: Path) -> None:
    book = write_workbook(tmp_path, "a.xlsx", {"A": [KETI_HEADER, [1, 1, 2017, "정면", "단어", "a.avi", 10.0]]})
    assert texts(labels_of(book, write(tmp_path, "b.csv", "name,label\na,10.0\n"))) == {"a": "10"}


def test_a_title_above_the_header(tmp_path: Path) -> None:
    assert texts(labels_of(write(tmp_path, "a.csv", "my labels,,\n,,\nname,label,\na,yes,\n"))) == {"a": "yes"}


def test_the_order_of_the_files_does_not_tell_how_a_name_is_spelled(tmp_path: Path) -> None:
    files = [write(tmp_path, "a.csv", "name,label\nketi_1.avi,x\n"), write(tmp_path, "b.csv", "name,label\nKETI_1,x\n")]
    assert texts(labels_of(*files)) == texts(labels_of(*reversed(files))) == {"KETI_1": "x"}


def test_an_index_without_a_label_is_not_called_as_another_class_is(tmp_path: Path) -> None:
    file = write_json(tmp_path, "a.json", {"a": {"label": "3", "label_index": 5}, "b": {"label_index": 3}})
    with pytest.raises(AnnotationError, match="the class index 3 of 'b' has no label, and cannot be called '3'"):
        labels_of(file)
