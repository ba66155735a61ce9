"""The two renderers of a packed batch: fused Triton kernels, and plain torch for devices without Triton."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from heatsvc.render.cuda.packed_batch import PackedBatch, common_alignment
from heatsvc.render.cuda.transfer import device_context

if TYPE_CHECKING:
    import torch

# Window pixels that plain torch computes at once.
CHUNK = 1 << 19


# Limb pixels further from the segment than this many sigma are zero, as in src/limb.h: exp(-5.8**2 / 2) < 2**-24, half
# a unit in the last place of 1. PYSKL computes them too, down to 1e-38, which is 300 times below the tolerance.
_LIMB_REACH = 5.8


@cache
def triton_kernels() -> Any:
    """The kernels. The first call imports Triton, which then reads `TRITON_INTERPRET`."""
    from heatsvc.render.cuda import triton_kernels as compiled

    return compiled


def triton_runs_on(device: torch.device) -> bool:
    """Whether the kernels run on a device: a CUDA device, or the CPU with Triton's interpreter."""
    import triton

    compiled = isinstance(triton_kernels().render_keypoints, triton.JITFunction)
    return bool(device.type == "cuda") if compiled else bool(device.type == "cpu")


def render_with_triton(batch: PackedBatch, out: torch.Tensor) -> None:
    """Render into `out`, the packed output [pixels] in a dtype of `render_batch`.

    Padding between volumes is not written. The work is queued on the device's current stream; the host does not wait.
    """
    keypoints, limbs = batch.blocks[:, -1].tolist()
    if keypoints + limbs == 0:
        return
    there = batch.to(out.device)
    tables = (there.volumes, there.gaussians, there.starts, there.segments, there.boxes, there.numbers)
    volumes, alignment = len(batch.volumes), common_alignment(batch.volumes[:, 1].tolist())
    cut = 0.5 * _LIMB_REACH**2
    with device_context(out.device):
        if keypoints:
            triton_kernels().render_keypoints[(keypoints,)](
                there.blocks[0],
                *tables,
                out,
                volumes,
                rows=batch.keypoint_block.rows,
                columns=batch.keypoint_block.columns,
                alignment=alignment,
                plain=batch.plain,
            )
        if limbs:
            triton_kernels().render_segments[(limbs,)](
                there.blocks[1],
                *tables,
                out,
                volumes,
                cut,
                rows=batch.limb_block.rows,
                columns=batch.limb_block.columns,
                alignment=alignment,
            )


def render_with_torch(batch: PackedBatch, out: torch.Tensor, chunk: int = CHUNK) -> None:
    """Render into `out`, the packed output [pixels] in a dtype of `render_batch`.

    Only pixels inside a window are computed, in float64, from the distance to the primitive's segment:
    value = peak * exp(-distance**2 * scale). In addition to the tables this takes up to 200 bytes per primitive, 240
    bytes per pixel of a chunk, and 4 bytes per pixel of the output if persons are summed.
    """
    import torch

    out.zero_()
    if batch.window_pixels == 0:
        return
    device = out.device
    there = batch.to(device)
    primitives = len(there.numbers)
    x0, x1, y0, y1 = (side.contiguous() for side in there.boxes.long().unbind(1))
    ends = torch.cumsum((x1 - x0) * (y1 - y0), 0)
    # A map without primitives starts where the next one does: a primitive belongs to the last map that starts at it.
    map_of = torch.searchsorted(there.starts, torch.arange(primitives, device=device), right=True) - 1
    # Likewise a volume without maps.
    volume = torch.searchsorted(there.volumes[:, 3].contiguous(), map_of, right=True) - 1
    height, width, first_pixel, first_map, first_mirrored = there.volumes[volume].unbind(1)
    first_pixel = first_pixel + (map_of - first_map) * height * width
    mirrored = map_of >= first_mirrored
    scale, point_cut, adds = there.gaussians[volume].unbind(1)
    cut = 0.5 * _LIMB_REACH**2
    sums = torch.zeros(0 if batch.plain else len(out), dtype=torch.float32, device=device)
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
        value = torch.where(power > torch.where(length > 0, cut, point_cut[f]), 0.0, peak * torch.exp(-power))
        x = torch.where(mirrored[f], width[f] - 1 - x, x)
        at = first_pixel[f] + y * width[f] + x
        if not batch.plain:
            sums.index_add_(0, at, (value * adds[f]).float())
            value = value * (1 - adds[f])
        out.scatter_reduce_(0, at, _convert(value, out.dtype), "amax")
    if not batch.plain:
        torch.maximum(out, _convert(sums.clamp_(max=1), out.dtype), out=out)


def _convert(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Convert pixels to another type, rounding and clipping as `cpu.convert`."""
    import torch

    single = value.float()
    if dtype == torch.uint8:
        return (single.double() * 255).round().clamp(max=255).to(dtype)
    return single.clamp(max=torch.finfo(dtype).max).to(dtype)
