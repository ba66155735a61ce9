"""CSV with a header: KETI's table in CP949 or UTF-8, or another's."""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.content import Content
from heatsvc.annotation.labels.row import Found
from heatsvc.annotation.labels.table import Table, no_table, read_table
from heatsvc.annotation.options import AnnotationOptions


def is_csv(content: Content) -> bool:
    """Whether it is no JSON: text, then, or refused as none."""
    return not content.is_json


def read_csv_table(content: Content, options: AnnotationOptions) -> Found:
    """The videos of a table.

    Raises:
        AnnotationError: no header that is known; rows as read_table.
    """
    table = Table(content.name, content.name, content.rows)
    found = read_table(table, options.columns)
    if found is None:
        raise AnnotationError(no_table([table]), file=content.name)
    return found
