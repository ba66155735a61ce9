"""application/x-npy: one array as `np.save` writes it (NumPy's format description, version 1.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import ClassVar

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.format import NO_METADATA, BodyWriter, Format
from heatsvc.encode.job import PlannedVolume, check_sizes


class Npy(Format):
    """One volume, read by `np.load`."""

    media_type: ClassVar[str] = "application/x-npy"
    title: ClassVar[str] = "One volume, for numpy.load."
    many: ClassVar[bool] = False

    def writer(
        self,
        volumes: Sequence[PlannedVolume],
        coding: Coding,
        bounds: Bounds,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> BodyWriter:
        """Header and volume."""
        check_sizes(volumes, bounds)
        (planned,) = volumes
        return BodyWriter(volumes, coding, self.tile_coding(coding), npy_header(planned.shape, planned.dtype))


@lru_cache(maxsize=256)
def npy_header(shape: tuple[int, ...], dtype: str) -> bytes:
    """The bytes that `np.save` writes before the data of a C-ordered array."""
    out = BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})
    return out.getvalue()
