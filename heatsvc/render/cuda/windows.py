"""Drawing in plain torch: the pixels of all windows in a row, a chunk at a time, merged into zeros."""

from __future__ import annotations

from heatsvc.render.cpu import kernels
from heatsvc.render.cuda.pack import Pack
from heatsvc.render.cuda.tensors import DType, Tensor

# Window pixels that are computed at once.
CHUNK = 1 << 19


def draw_windows(batch: Pack, out: Tensor, chunk: int = CHUNK) -> None:
    """Draw into `out`, the packed output, [pixels], of a dtype that `render_batch` has.

    Takes up to 200 bytes for each figure and 240 for each pixel of a chunk besides what the batch's tables take. Only
    pixels inside a window are computed, in float64, by the distance to the figure's segment:
    value = peak * exp(-distance**2 * scale).
    """
    import torch

    out.zero_()
    if batch.window_pixels == 0:
        return
    device = out.device
    there = batch.to(device)
    figures = len(there.numbers)
    x0, x1, y0, y1 = (side.contiguous() for side in there.boxes.long().unbind(1))
    ends = torch.cumsum((x1 - x0) * (y1 - y0), 0)
    # A map without figures starts where the next one does: the last of those that start at a figure has it.
    map_of = torch.searchsorted(there.starts, torch.arange(figures, device=device), right=True) - 1
    # Likewise a volume without maps.
    volume = torch.searchsorted(there.volumes[:, 3].contiguous(), map_of, right=True) - 1
    height, width, first_pixel, first_map, first_mirrored = there.volumes[volume].unbind(1)
    first_pixel = first_pixel + (map_of - first_map) * height * width
    mirrored = map_of >= first_mirrored
    scale = there.scales[volume]
    cut = 0.5 * kernels().LIMB_REACH ** 2
    for start in range(0, batch.window_pixels, chunk):
        pixel = torch.arange(start, min(start + chunk, batch.window_pixels), device=device)
        f = torch.searchsorted(ends, pixel, right=True)
        columns = (x1 - x0)[f]
        within = pixel - ends[f] + columns * (y1 - y0)[f]
        x, y = x0[f] + within % columns, y0[f] + within // columns
        ax, ay, ux, uy, length, peak = there.numbers[f].unbind(1)
        dx, dy = x - ax, y - ay
        along = dx * ux + dy * uy
        beyond = along - torch.minimum(along.clamp(min=0), length)
        power = ((dx * uy - dy * ux) ** 2 + beyond**2) * scale[f]
        value = torch.where((length > 0) & (power > cut), 0.0, peak * torch.exp(-power))
        x = torch.where(mirrored[f], width[f] - 1 - x, x)
        out.scatter_reduce_(0, first_pixel[f] + y * width[f] + x, converted(value, out.dtype), "amax")


def converted(value: Tensor, dtype: DType) -> Tensor:
    """Pixels in the type asked for, as `cpu.convert` rounds them."""
    import torch

    single = value.float()
    if dtype == torch.uint8:
        return (single.double() * 255).round().clamp(max=255).to(dtype)
    return single.clamp(max=torch.finfo(dtype).max).to(dtype)
