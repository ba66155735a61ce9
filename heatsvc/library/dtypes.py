"""The types that heatmaps are drawn in."""

from __future__ import annotations

from typing import Literal, get_args

from heatsvc.errors import InputError
from heatsvc.render.cpu import DType as DrawnDType
from heatsvc.volume import Reduce

DType = Literal["float32", "float16", "uint8"]
"""What may be asked for."""


def drawn_dtype(dtype: str, reduce: Reduce) -> DrawnDType:
    """What is drawn for it: a volume reduced by argmax is int16 whatever is asked.

    Raises:
        InputError: another type.
    """
    for known in get_args(DType):
        if dtype == known:
            return "int16" if reduce == "argmax" else known
    raise InputError(f"dtype must be {', '.join(get_args(DType))}, not {dtype!r:.40}", field="dtype")
