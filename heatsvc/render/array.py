"""Renders dense arrays on the CPU: a whole volume, or a PoTion picture, the sum over time of the runs of its maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.kernels import KERNELS
from heatsvc.render import reference
from heatsvc.render.cpu import DType, convert, plan, render_runs, scatter
from heatsvc.volume import HeatmapVolume, Potion

# As in PYSKL: avoids a division by zero for an empty channel.
_EPS = 1e-4
_BLOCK_VALUES = 64 << 10


def render_array(
    volume: HeatmapVolume,
    dtype: DType = "float32",
    token: CancelToken = NEVER_CANCELLED,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Render a volume as a dense array of `volume.shape`.

    Args:
        volume: a volume of any reduction, or a PoTion picture.
        dtype: see `render_runs`.
        token: checked before each tile.
        out: a C-contiguous array of that shape and type, which is overwritten and returned. Rendering into memory that
            was used before is several times faster, since the system maps pages of new memory on the first write.

    Raises:
        CancelledError, DeadlineError: raised by `token`.
        ValueError: the dtype does not fit the volume, or `out` has another shape or type.
    """
    fill = -1 if dtype == "int16" else 0
    if out is None:
        out = np.full(volume.shape, fill, dtype) if fill else np.zeros(volume.shape, dtype)
    elif out.shape != volume.shape or out.dtype != dtype or not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError(
            f"out must be a writable, C-contiguous array {list(volume.shape)} of {dtype}, not "
            f"{list(out.shape)} of {out.dtype}{'' if out.flags.c_contiguous else ', not contiguous'}"
        )
    else:
        out.fill(fill)
    if volume.potion:
        out[...] = convert(render_potion(volume, token), dtype)
        return out
    flat = out.reshape(-1)
    area = volume.height * volume.width
    for tile in plan(volume, token=token).tiles:
        token.raise_if_cancelled()
        scatter(render_runs(volume, tile, dtype), flat[tile.first * area : tile.last * area])
    return out


def frames_first(volume: HeatmapVolume) -> HeatmapVolume:
    """The maps whose sums are a volume's PoTion pictures, ordered by picture, then by frame."""
    return replace(volume, potion=None, clips=0, reduce="none")


def render_potion(volume: HeatmapVolume, token: CancelToken = NEVER_CANCELLED) -> npt.NDArray[np.float32]:
    """Render the PoTion pictures of a volume, float32 of `volume.shape`: [N, H, W, K x parts].

    U_c = sum over t of w_c(t) heatmap(t), over its largest value + 1e-4; I = sum of U_c over c; N_c = U_c / (I + 1).

    Args:
        volume: a volume whose `potion` is set.
        token: checked before each tile.

    Raises:
        CancelledError, DeadlineError: raised by `token`.
        ValueError: `potion` is not set.
    """
    if volume.potion is None:
        raise ValueError("the volume has no potion")
    if KERNELS.native is None:
        return reference.render_potion(volume, volume.potion)
    pictures, height, width, depth = volume.shape
    maps = frames_first(volume)
    frames = volume.frames * volume.copies // pictures
    weights = time_colors(frames, volume.potion.colors)
    each = frames * volume.channels
    out = np.empty(volume.shape, np.float32)
    sums = np.zeros((pictures, volume.channels, height, width, volume.potion.colors))
    for tile in plan(maps, each=each, token=token).tiles:
        token.raise_if_cancelled()
        runs = render_runs(maps, tile, "float32")
        picture, first = divmod(tile.first, each)
        KERNELS.native.color(
            runs.values,
            runs.start,
            runs.length,
            first,
            height * width,
            volume.channels,
            weights,
            sums[picture].reshape(-1),
        )
    rows = max(1, _BLOCK_VALUES // (sums[0].size // height))
    for picture in range(pictures):
        token.raise_if_cancelled()
        peaks = sums[picture].max(axis=(1, 2), keepdims=True) + _EPS
        for row in range(
            0, height, rows
        ):  # in blocks, since the parts of a whole picture take several times its memory
            parts = _parts(sums[picture][:, row : row + rows] / peaks, volume.potion)
            out[picture, row : row + rows] = parts.transpose(1, 2, 0, 3).reshape(-1, width, depth)
    return out


def time_colors(frames: int, colors: int) -> npt.NDArray[np.float32]:
    """float32 [T, C]: how much of each color a frame has; neighboring colors fade into each other over time."""
    place = np.linspace(0.0, colors - 1, frames) if frames > 1 else np.array([colors - 1.0])
    share: npt.NDArray[np.float64] = np.maximum(1 - np.abs(place[:, None] - np.arange(colors)), 0)
    return share.astype(np.float32)


def _parts(u: npt.NDArray[np.float64], potion: Potion) -> npt.NDArray[np.float64]:
    """The requested parts of U [K, H, W, C] on its last axis."""
    i = u.sum(axis=-1, keepdims=True)
    parts = {"U": (u,), "I": (i,), "N": (u / (i + 1),), "full": (u, i, u / (i + 1))}
    return np.concatenate(parts[potion.option], axis=-1)
