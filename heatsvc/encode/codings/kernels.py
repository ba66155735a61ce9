"""The kernels that encode, in C++. The codings import them from here, and nothing else of the package does.

All release the interpreter lock, and raise ValueError for runs that leave their tile and for too little room.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heatsvc import _native as native
from heatsvc.render.cpu import PixelRuns

__all__ = ["native", "runs_arguments"]


def runs_arguments(runs: PixelRuns) -> tuple[Any, ...]:
    """The arguments with which a kernel takes runs: bytes of the values, starts, lengths, item size, size, fill."""
    return runs.values.view(np.uint8), runs.start, runs.length, runs.itemsize, runs.size, runs.fill
