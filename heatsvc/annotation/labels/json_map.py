"""A label map as JSON: ``{"화재": 418}``."""

from __future__ import annotations

from heatsvc.annotation.labels.content import Content
from heatsvc.annotation.labels.row import ClassEntry, Found, index_of, label_of
from heatsvc.annotation.options import AnnotationOptions


def is_json_map(content: Content) -> bool:
    """Whether it is an object of whole numbers."""
    document = content.json
    return isinstance(document, dict) and bool(document) and all(type(value) is int for value in document.values())


def read_json_map(content: Content, options: AnnotationOptions) -> Found:
    """The classes of a label map.

    Raises:
        AnnotationError: a class index below 0 or above 1,000,000, or a label too long.
    """
    classes = []
    for label, index in content.json.items():
        where = f"{content.name}, {label!r:.100}"
        text = label_of(label, where, content.name)
        classes.append(ClassEntry(text or "", index_of(index, where, content.name), where))
    return Found(classes=tuple(classes))
