"""render_batch: renders a batch of volumes into one tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING, Literal

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.render.cuda.packed_batch import PackedBatch, pack_batch
from heatsvc.render.cuda.renderers import render_with_torch, render_with_triton, triton_runs_on
from heatsvc.volume import HeatmapVolume

if TYPE_CHECKING:
    import torch

Method = Literal["auto", "triton", "torch"]
TensorDType = Literal["float32", "float16", "bfloat16", "uint8"]


def render_batch(
    volumes: Sequence[HeatmapVolume],
    dtype: TensorDType = "float32",
    device: str | torch.device = "cpu",
    *,
    method: Method = "auto",
    bounds: Bounds = DEFAULT_BOUNDS,
) -> list[torch.Tensor]:
    """Render volumes of any shapes, each as a dense tensor of its `shape`, `[T, K, H, W]` or `[n, K, T / n, H, W]`.

    This function is for CUDA devices. On the CPU `render_array` is several times faster; only tests use it there.

    The result agrees with `render_array` within 2e-6 of a keypoint's peak, and 2e-5 of a limb's peak (float32). The
    result for a volume does not depend on the other volumes of the batch.

    On a CUDA device all work is queued on the current stream; the host does not wait for it.

    Memory: the tensors are views of one allocation of the batch's pixels, which lives as long as any of them. In
    addition the host, and the device while it renders, hold a table of 64 bytes per rendered keypoint and limb (of each
    person and mirrored copy), and one of 9 bytes per map. `max_volume_bytes` limits each table too. Method `torch`
    takes 200 bytes more per keypoint and limb, 160 MiB, and 4 bytes per pixel if persons are summed.

    Args:
        volumes: volumes of reduction `none`, or of `max` unless persons are summed; with keypoints, limbs or both; with
            or without mirrored copies.
        dtype: float32; float16 or bfloat16, rounded to nearest, at most the largest finite number of the type (65504
            of float16); uint8, value * 255 rounded to nearest, at most 255.
        device: a device of torch.
        method: `triton` uses fused kernels, one for maps of keypoints and one for maps of limbs, which write each pixel
            once; on CPU tensors it needs Triton's interpreter (`TRITON_INTERPRET=1` before Triton is imported). `torch`
            renders windows into zeros. `auto` is `triton` on a CUDA device if it is installed, else `torch`.
        bounds: `max_volume_bytes` limits the whole batch, and `max_map_work` each map.

    Raises:
        ValueError: a volume is of another kind, such as a PoTion picture, which only `render_array` renders; or the
            method does not run on the device.
        LimitError: the batch exceeds a bound.
        ImportError: torch is not installed, or the method is `triton` and Triton is not installed.
    """
    import torch

    place, pixel_type = torch.device(device), getattr(torch, dtype)
    render = select_renderer(method, place)
    batch = pack_batch(volumes, pixel_type.itemsize, bounds, pinned=place.type == "cuda")
    out = torch.empty(batch.pixels, dtype=pixel_type, device=place)
    render(batch, out)
    return [
        out[first : first + prod(shape)].view(shape) for first, shape in zip(batch.offsets, batch.shapes, strict=True)
    ]


def select_renderer(method: Method, device: torch.device) -> Callable[[PackedBatch, torch.Tensor], None]:
    """The function that renders a packed batch on a device, into a tensor of its pixels.

    Raises:
        ValueError: the method is `triton`, which does not run on the device.
    """
    if method == "torch" or (method == "auto" and (device.type != "cuda" or find_spec("triton") is None)):
        return render_with_torch
    if not triton_runs_on(device):
        raise ValueError(f"Triton does not run on {device}: use a CUDA device, or the CPU with TRITON_INTERPRET=1")
    return render_with_triton
