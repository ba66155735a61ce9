"""A whole volume, or PoTion picture, as a dense array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.render.cpu import DType, convert, plan, render_runs, scatter
from heatsvc.render.potion import render_potion
from heatsvc.volume import HeatmapVolume


def render_array(
    volume: HeatmapVolume, dtype: DType = "float32", token: CancelToken = NEVER_CANCELLED
) -> npt.NDArray[Any]:
    """Draw a volume as a dense array of `volume.shape`.

    Args:
        volume: of any reduction, or a PoTion picture.
        dtype: as for `render_runs`.
        token: asked before each tile, ends the work.

    Raises:
        ValueError: a dtype that does not go with the volume.
    """
    if volume.potion:
        return convert(render_potion(volume, token), dtype)
    out = np.full(volume.shape, -1, np.int16) if dtype == "int16" else np.zeros(volume.shape, dtype)
    flat = out.reshape(-1)
    area = volume.height * volume.width
    for tile in plan(volume, token=token).tiles:
        token.raise_if_cancelled()
        scatter(render_runs(volume, tile, dtype), flat[tile.first * area : tile.last * area])
    return out
