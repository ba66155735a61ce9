"""A whole volume, or PoTion picture, as a dense array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import go_on
from heatsvc.render.cpu import DType, convert, plan, render_runs, scatter
from heatsvc.render.potion import render_potion
from heatsvc.volume import HeatmapVolume


def render_array(
    volume: HeatmapVolume, dtype: DType = "float32", check: Callable[[], None] = go_on
) -> npt.NDArray[Any]:
    """Draw a volume as a dense array of `volume.shape`.

    Args:
        volume: of any reduction, or a PoTion picture.
        dtype: as for `render_runs`.
        check: called before each tile; raises what should end the work.

    Raises:
        ValueError: a dtype that does not go with the volume.
    """
    if volume.potion:
        return convert(render_potion(volume, check), dtype)
    out = np.full(volume.shape, -1, np.int16) if dtype == "int16" else np.zeros(volume.shape, dtype)
    flat = out.reshape(-1)
    area = volume.height * volume.width
    for tile in plan(volume, check=check).tiles:
        check()
        scatter(render_runs(volume, tile, dtype), flat[tile.first * area : tile.last * area])
    return out
