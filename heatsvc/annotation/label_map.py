"""The label map: which class index stands for which label."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import orjson


def label_map_json(classes: Sequence[str]) -> bytes:
    """``{label: index}`` as JSON.

    Args:
        classes: labels by class index; "" at an index that has none, which is left out.
    """
    document = {label: index for index, label in enumerate(classes) if label}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def label_map_csv(classes: Sequence[str]) -> bytes:
    """``label,label_index`` as CSV in UTF-8.

    Args:
        classes: labels by class index; "" at an index that has none, which is left out.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("label", "label_index"))
    rows.writerows((label, index) for index, label in enumerate(classes) if label)
    return text.getvalue().encode()
