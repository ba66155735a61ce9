"""CSV without a header, ``KETI_SL_0000000419,418``: a video's name and its class index."""

from __future__ import annotations

from heatsvc.annotation.labels.content import Content
from heatsvc.annotation.labels.numbers import whole_number
from heatsvc.annotation.labels.row import Found, LabelRow, index_of, video_of
from heatsvc.annotation.options import AnnotationOptions


def is_csv_pairs(content: Content) -> bool:
    """Whether the first row that is not empty is a name and a whole number."""
    if content.is_json:
        return False
    first = next((row for row in content.rows if any(row)), [])
    return len(first) == 2 and first[0].strip() != "" and whole_number(first[1]) is not None


def read_csv_pairs(content: Content, options: AnnotationOptions) -> Found:
    """The videos of the pairs.

    Raises:
        AnnotationError: a row that is no name and class index.
    """
    rows = []
    for position, cells in enumerate(content.rows, 1):
        where = f"{content.name}, row {position}"
        name, index, *_ = (*cells, "", "")
        if any(cell.strip() for cell in cells):
            video = video_of(name, where, content.name)
            rows.append(LabelRow(video, None, index_of(index, where, content.name), {}, where))
    return Found(rows=tuple(rows))
