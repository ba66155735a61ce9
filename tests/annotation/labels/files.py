"""Label files for tests: KETI's real ones, and small ones that a test writes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels, read_labels
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds

KETI = Path(__file__).parents[2] / "data" / "keti-mini" / "Annotation"
WORKBOOK_2017 = InputFile("KETI-2017.xlsx", KETI / "KETI-2017-SL-Annotation-v2_1.xlsx")
WORKBOOK_2018 = InputFile("KETI-2018.xlsx", KETI / "KETI-2018-SL-Annotation-v1.xlsx")
CSV_2017 = InputFile("KETI-2017.csv", KETI / "KETI-2017-SL-Annotation-v2_1.csv")
LABEL_JSON = InputFile("label.json", KETI / "label" / "label.json")
TRAIN_CSV = InputFile("label_KETI_train_all.csv", KETI / "label" / "label_KETI_train_all.csv")
VAL_CSV = InputFile("label_KETI_val_all.csv", KETI / "label" / "label_KETI_val_all.csv")
MAP_CSV = InputFile("label_map.csv", KETI / "label" / "label_map.csv")
MAP_JSON = InputFile("label_map.json", KETI / "label" / "label_map.json")

KETI_HEADER = ["번호", "언어 제공자 ID", "취득연도", "방향", "타입(단어/문장)", "파일명", "한국어"]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write(folder: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> InputFile:
    path = folder / name
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return InputFile(name, path)


def write_json(folder: Path, name: str, document: Any) -> InputFile:
    return write(folder, name, json.dumps(document, ensure_ascii=False))


def write_workbook(folder: Path, name: str, sheets: dict[str, list[list[str | float | None]]]) -> InputFile:
    return write_sheets(folder, name, {title: "".join(map(_row, rows)) for title, rows in sheets.items()})


def write_sheets(folder: Path, name: str, sheets: dict[str, str], shared: str = "") -> InputFile:
    """A workbook of sheets' XML (rows), as small as calamine accepts it."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        numbered = list(enumerate(sheets.items(), 1))
        entries = "".join(f'<sheet name="{escape(t)}" sheetId="{n}" r:id="rId{n}"/>' for n, (t, _) in numbered)
        root = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{root}</Relationships>')
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n, _ in numbered
        )
        if shared:
            links += f'<Relationship Id="rId0" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
            book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}"><si><t>{escape(shared)}</t></si></sst>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>')
        for n, (_, rows) in numbered:
            book.writestr(
                f"xl/worksheets/sheet{n}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
            )
    return InputFile(name, path)


def _row(cells: list[str | float | None]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: str | float | None) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def labels_of(*files: InputFile, bounds: Bounds = DEFAULT_BOUNDS, **options: Any) -> Labels:
    return read_labels(files, AnnotationOptions(**options), bounds)


def indices(labels: Labels) -> dict[str, int | None]:
    return {row.video.text: row.index for row in labels.rows}


def texts(labels: Labels) -> dict[str, str | None]:
    return {row.video.text: row.label for row in labels.rows}
