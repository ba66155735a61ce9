"""Reads labels of WLASL: a list of glosses with their videos.

``[{"gloss": "book", "instances": [{"video_id": "69241", "split": "train", "signer_id": 118}]}]``
"""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile, LabelRow
from heatsvc.annotation.labels.tables import Header
from heatsvc.annotation.native.sheets import cell_text
from heatsvc.annotation.options import AnnotationOptions, Columns

_NAME = "video_id"


def read_wlasl(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of every gloss. A gloss's index is its position, as in WLASL's class list and its nslt files.

    Raises:
        AnnotationError: a gloss is not a text, or a video has no video_id.
    """
    document = file.json
    if not isinstance(document, list) or not document:
        return None
    if not all(isinstance(entry, dict) and {"gloss", "instances"} <= entry.keys() for entry in document):
        return None
    classes, found = [], []
    headers: set[str] = set()
    for index, entry in enumerate(document):
        where = f"{file.name}, [{index}]"
        gloss, instances = entry["gloss"], entry["instances"]
        if not isinstance(gloss, str) or not isinstance(instances, list):
            raise AnnotationError(f"{where}: gloss must be a text, and instances a list", file=file.name)
        label = rows.parse_label(gloss, where, file.name)
        classes.append(ClassEntry(label or "", index, where))
        for position, instance in enumerate(instances):
            place = f"{where}.instances[{position}]"
            if not isinstance(instance, dict) or not isinstance(name := instance.get(_NAME), str):
                raise AnnotationError(f"{place}: a video must be an object with a text in {_NAME}", file=file.name)
            columns = Header.of(tuple(instance), Columns()).texts([cell_text(value) for value in instance.values()])
            headers.update(columns)
            found.append(LabelRow(rows.parse_video_name(name, place, file.name), label, index, columns, place))
    return LabelFile(rows=tuple(found), classes=tuple(classes), headers=frozenset(headers))
