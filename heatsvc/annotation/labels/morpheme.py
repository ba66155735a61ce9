"""Reads labels of AIHub's sign language datasets (NIASL): one morpheme.json for each video.

``{"metaData": {"name": "NIA_SL_WORD0001_REAL01_F.mp4"}, "data": [{"attributes": [{"name": "여기"}]}]}``
"""

from __future__ import annotations

import re
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile, LabelRow
from heatsvc.annotation.options import AnnotationOptions

# NIA_SL_WORD0001_REAL01_F: type and number, signer, view (front, up, down, left, right).
_NAME = re.compile(r"NIA_SL_(?P<type>[A-Z]+)\d+_(?P<signer>[A-Z]+\d+)_(?P<view>[A-Z])", re.ASCII | re.IGNORECASE)


def read_morpheme(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The video of the file. Its label is that of its morphemes, separated by spaces.

    The columns signer (``REAL01``), view (``F``) and type (``WORD``) are from the video's name.

    Raises:
        AnnotationError: the file has no name of a video, or no morpheme.
    """
    document = file.json
    if not isinstance(document, dict) or not {"metaData", "data"} <= document.keys():
        return None
    metadata, data = document["metaData"], document["data"]
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str):
        raise AnnotationError("metaData.name is missing: it must be the name of the video", file=file.name)
    label = rows.parse_label(" ".join(_morphemes(data)), file.name, file.name)
    if label is None:
        raise AnnotationError("data[].attributes[].name is missing: it must be the label", file=file.name)
    video = rows.parse_video_name(name, file.name, file.name)
    parts = _NAME.fullmatch(video.text.rpartition("/")[2])
    columns = parts.groupdict() if parts else {}
    return LabelFile((LabelRow(video, label, None, columns, file.name),), headers=frozenset(columns))


def _morphemes(data: Any) -> list[str]:
    """The names of all morphemes in order; values of another form are skipped."""
    entries = data if isinstance(data, list) else [data]
    lists = (entry.get("attributes") for entry in entries if isinstance(entry, dict))
    attributes = (attribute for found in lists if isinstance(found, list) for attribute in found)
    names = (attribute.get("name") for attribute in attributes if isinstance(attribute, dict))
    return [name.strip() for name in names if isinstance(name, str) and name.strip()]
