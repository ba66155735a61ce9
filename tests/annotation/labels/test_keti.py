"""KETI's labels give the same classes in every file format."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import read_labels
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import CancelledError
from tests.annotation.labels.files import (
    CSV_2017,
    KETI_HEADER,
    LABEL_JSON,
    MAP_CSV,
    MAP_JSON,
    TRAIN_CSV,
    VAL_CSV,
    WORKBOOK_2017,
    WORKBOOK_2018,
    indices,
    labels_of,
    texts,
    write,
    write_workbook,
)
from tests.annotation.tokens import CountingToken

CLASSES = ("10", "1000", "도와주세요", "병원", "화장실", "화재")
# Videos 1 to 36 show 화재, 10, 병원, 1000, 화장실, 도와주세요 in turn.
INDICES = {f"KETI_SL_{number:010}": (5, 0, 3, 1, 4, 2)[(number - 1) % 6] for number in range(1, 37)}

FORMATS = {
    "the two workbooks": (WORKBOOK_2017, WORKBOOK_2018),
    "CP949 and a workbook": (CSV_2017, WORKBOOK_2018),
    "workbook and map": (WORKBOOK_2017, WORKBOOK_2018, MAP_JSON),
    "all tables": (WORKBOOK_2017, CSV_2017, WORKBOOK_2018, LABEL_JSON, TRAIN_CSV, VAL_CSV, MAP_CSV, MAP_JSON),
}


@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_tables_of_words(files: tuple[InputFile, ...]) -> None:
    labels = labels_of(*files, types=["단어"])
    assert indices(labels) == INDICES
    assert labels.classes == CLASSES
    assert labels.filtered == {"types": 5}


@pytest.mark.parametrize(
    "files",
    [(LABEL_JSON,), (TRAIN_CSV, VAL_CSV, MAP_CSV), (VAL_CSV, TRAIN_CSV, MAP_JSON), (LABEL_JSON, TRAIN_CSV)],
    ids=["JSON", "pairs and CSV map", "pairs and JSON map", "JSON and pairs"],
)
def test_label_files(files: tuple[InputFile, ...]) -> None:
    labels = labels_of(*files)
    assert indices(labels) == INDICES
    assert labels.classes == CLASSES
    assert texts(labels)["KETI_SL_0000000002"] == "10"


def test_pairs_alone_know_no_labels() -> None:
    labels = labels_of(TRAIN_CSV, VAL_CSV)
    assert indices(labels) == INDICES
    assert labels.classes == ("0", "1", "2", "3", "4", "5")


def test_rows_say_who_signs_and_where_they_stand() -> None:
    row = labels_of(WORKBOOK_2018, types="단어").rows[0]
    assert row.video.text == "KETI_SL_0000000013"
    assert (row.columns["signer"], row.columns["year"], row.columns["view"]) == ("11", "2018", "정면")
    assert (row.columns["언어 제공자 ID"], row.columns["타입(단어/문장)"]) == ("11", "단어")
    assert row.where == "KETI-2018.xlsx, sheet KETI-2018-수어데이터-학습용-Annotation, row 2"


def test_all_sheets_are_read() -> None:
    labels = labels_of(WORKBOOK_2018, types="문장")
    assert list(indices(labels)) == ["KETI_SL_RES_0000000383", "KETI_SL_RES_0000000384"]
    assert labels.classes == ("네, 알겠습니다",)


@pytest.mark.parametrize("encoding", ["cp949", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_in_any_encoding(tmp_path: Path, encoding: str, separator: str) -> None:
    text = CSV_2017.path.read_text("cp949").replace(",", separator)
    labels = labels_of(write(tmp_path, "labels.txt", text, encoding), types="단어")
    assert indices(labels) == {name: index for name, index in INDICES.items() if name < "KETI_SL_0000000013"}


def test_headers_with_line_breaks_and_nameless_columns_anywhere(tmp_path: Path) -> None:
    header = [
        None,
        "번호",
        None,
        "언어 제공자\nID",
        " 취득연도 ",
        "방향",
        "타입\n(단어/문장)",
        None,
        "파일명 ",
        "한국어",
    ]
    rows = [
        header,
        ["x", 1.0, None, 7.0, 2017.0, "정면", "단어", 99.0, "KETI_SL_0000000001.avi", 10.0],
        [None] * 10,
        [None, "총계", None, None, None, None, None, None, None, 1.0],
    ]
    labels = labels_of(write_workbook(tmp_path, "a.xlsx", {"A": rows}), types="단어", signers=7)
    assert texts(labels) == {"KETI_SL_0000000001": "10"}


def test_sheets_that_are_no_label_tables_are_left_alone(tmp_path: Path) -> None:
    sheets = {
        "notes": [["read me"]],
        "A": [KETI_HEADER, [1.0, 1.0, 2017.0, "정면", "단어", "a.avi", "논"]],
        "empty": [],
    }
    assert texts(labels_of(write_workbook(tmp_path, "a.xlsx", sheets))) == {"a": "논"}


def test_classes_are_sorted_by_code_point(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "name,label\na,화재\nb,논\nc,1000\nd,10\n")
    assert labels_of(file).classes == ("10", "1000", "논", "화재")


def test_rows_are_sorted_by_name_and_found_by_any_spelling() -> None:
    labels = labels_of(WORKBOOK_2017, types="단어")
    assert [row.video.text for row in labels.rows][:2] == ["KETI_SL_0000000001", "KETI_SL_0000000002"]
    for name in ("KETI_SL_0000000002", "keti_sl_0000000002.MOV", "Keypoints/KETI_SL_0000000002.MOV.npy"):
        assert labels.index.find(VideoName.of(name)) == [1]


def test_a_filtered_video_is_known() -> None:
    labels = labels_of(WORKBOOK_2017, types="단어")
    assert labels.index.find(VideoName.of("KETI_SL_0000000038.avi")) == []
    assert labels.known.find(VideoName.of("KETI_SL_0000000038.avi")) == [len(labels.rows) + 1]
    assert labels.known.names[: len(labels.rows)] == labels.index.names


@pytest.mark.parametrize(
    ("options", "count", "filtered"),
    [
        ({"types": ["단어"]}, 36, {"types": 5}),
        ({"types": ["단어", "문장"]}, 41, {"types": 0}),
        ({"types": "단어", "signers": ">10"}, 24, {"types": 5, "signers": 12}),
        ({"types": "단어", "signers": [1, "2"]}, 12, {"types": 5, "signers": 24}),
        ({"types": "단어", "signers": ["<2", ">=14"]}, 12, {"types": 5, "signers": 24}),
        ({"types": "!=문장", "years": 2017}, 12, {"types": 5, "years": 24}),
        ({"types": "단어", "years": "!=2017"}, 24, {"types": 5, "years": 12}),
    ],
)
def test_filters(options: dict[str, object], count: int, filtered: dict[str, int]) -> None:
    labels = labels_of(WORKBOOK_2017, WORKBOOK_2018, **options)
    assert (len(labels.rows), labels.filtered) == (count, filtered)


def test_a_view_is_wholly_equal() -> None:
    labels = labels_of(WORKBOOK_2017, WORKBOOK_2018, types="단어", views="측면")
    assert {row.columns["view"] for row in labels.rows} == {"측면"}


def test_who_waits_may_end_it() -> None:
    with pytest.raises(CancelledError):
        read_labels([LABEL_JSON], AnnotationOptions(), DEFAULT_BOUNDS, CountingToken())
