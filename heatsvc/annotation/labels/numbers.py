"""Numbers in tables: texts that mean one."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_INDEX = 1_000_000
"""The largest class index."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})", re.ASCII)


def whole_number(text: str) -> int | None:
    """The whole number that a cell holds, None where it holds none; ``10.0`` is 10, as programs write a number."""
    text = text.strip()
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


def number(text: str) -> float | None:
    """The number that a cell holds, None where it holds none."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def spoken(text: str) -> str:
    """A cell without space around it and without line breaks, a whole number without ``.0``: 10 is never "10.0"."""
    text = " ".join(text.split()) if not text.isprintable() else text.strip()
    if text.endswith("0") and "." in text and _WHOLE.fullmatch(text):
        return text.partition(".")[0]
    return text
