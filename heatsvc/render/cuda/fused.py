"""Drawing with Triton: the launches of its kernels, one for each kind of map."""

from __future__ import annotations

from functools import cache
from typing import Any

from heatsvc.render.cpu import kernels
from heatsvc.render.cuda.pack import Pack, common_alignment
from heatsvc.render.cuda.tensors import Device, Tensor


@cache
def triton_kernels() -> Any:
    """The kernels. The first call imports Triton, which reads `TRITON_INTERPRET` then."""
    from heatsvc.render.cuda import triton_kernels as compiled

    return compiled


def draws_on(device: Device) -> bool:
    """Whether the kernels can draw there: on a CUDA device, or where Triton interprets on the CPU."""
    import triton

    compiled = isinstance(triton_kernels().draw_keypoints, triton.JITFunction)
    return bool(device.type == "cuda") if compiled else bool(device.type == "cpu")


def draw_fused(batch: Pack, out: Tensor) -> None:
    """Draw into `out`, the packed output, [pixels], of a dtype that `render_batch` has.

    Padding between volumes is left as it is. Queued on the device's current stream, with nothing waited for.
    """
    keypoints, limbs = batch.blocks[:, -1].tolist()
    if keypoints + limbs == 0:
        return
    there = batch.to(out.device)
    tables = (there.volumes, there.scales, there.starts, there.segments, there.boxes, there.numbers)
    volumes, alignment = len(batch.volumes), common_alignment(batch.volumes[:, 1].tolist())
    cut = 0.5 * kernels().LIMB_REACH ** 2
    with current(out.device):
        if keypoints:
            triton_kernels().draw_keypoints[(keypoints,)](
                there.blocks[0],
                *tables,
                out,
                volumes,
                rows=batch.keypoint_block.rows,
                columns=batch.keypoint_block.columns,
                alignment=alignment,
            )
        if limbs:
            triton_kernels().draw_segments[(limbs,)](
                there.blocks[1],
                *tables,
                out,
                volumes,
                cut,
                rows=batch.limb_block.rows,
                columns=batch.limb_block.columns,
                alignment=alignment,
            )


def current(device: Device) -> Any:
    """Makes a device the current one for a while: Triton launches on that."""
    import torch

    return torch.cuda.device(device if device.type == "cuda" else -1)
