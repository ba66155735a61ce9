"""A label map as CSV with the header ``label,label_index``."""

from __future__ import annotations

from heatsvc.annotation.labels.columns import INDEX, LABEL, plain
from heatsvc.annotation.labels.content import Content
from heatsvc.annotation.labels.row import ClassEntry, Found, index_of, label_of
from heatsvc.annotation.options import AnnotationOptions


def is_csv_map(content: Content) -> bool:
    """Whether its header names a label and an index, and nothing else."""
    return not content.is_json and _header(content) is not None


def read_csv_map(content: Content, options: AnnotationOptions) -> Found:
    """The classes of a label map.

    Raises:
        AnnotationError: a row that is no label and class index.
    """
    header = _header(content)
    assert header is not None, "asked after is_csv_map"  # noqa: S101
    top, label, index = header
    classes = []
    for position, cells in enumerate(content.rows[top + 1 :], top + 2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{content.name}, row {position}"
        padded = (*cells, "", "")
        text = label_of(padded[label], where, content.name)
        number = index_of(padded[index], where, content.name)
        classes.append(ClassEntry(text or "", number, where))
    return Found(classes=tuple(classes))


def _header(content: Content) -> tuple[int, int, int] | None:
    """The header's row, and the columns of label and index."""
    top = next((position for position, row in enumerate(content.rows) if any(row)), None)
    if top is None:
        return None
    cells = [plain(cell) for cell in content.rows[top]]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) != 2:
        return None
    for label, index in ((0, 1), (1, 0)):
        if cells[label] in LABEL and cells[index] in (*INDEX, "index", "id"):
            return top, label, index
    return None
