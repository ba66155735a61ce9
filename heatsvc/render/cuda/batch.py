"""Render a batch of volumes into one tensor."""

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

    For CUDA devices. On the CPU `render_array` is several times faster; this function is used there in tests.

    Agrees with `render_array` within 2e-6 of a keypoint's peak, 2e-5 of a limb's (float32); the
    result for a volume does not depend on the other volumes of the batch.

    On a CUDA device all work is queued on the current stream; the host does not wait for it.

    Memory: the tensors are views of one allocation of the batch's pixels, which lives as long as any of them. Besides
    that the host, and during the rendering the device, hold 64 bytes for each keypoint and limb that is rendered
    (persons and mirrored copies counted), and 9 for each map. Each of these two tables is held to `max_volume_bytes`
    too. Method `torch` takes 200 bytes more for each keypoint and limb, 160 MiB, and 4 bytes for each pixel where
    persons are summed.

    Args:
        volumes: of reduction `none`, or `max` where persons are not summed; with keypoints, limbs or both; with or
            without mirrored copies.
        dtype: float32; float16 or bfloat16, rounded to nearest, at most the largest finite number of the type (65504
            of float16); uint8, value * 255 rounded to nearest, at most 255.
        device: as torch names it.
        method: `triton` uses fused kernels, one for the maps of keypoints and one for those of limbs, each pixel
            written once; on CPU tensors only where Triton interprets (`TRITON_INTERPRET=1` before it is imported).
            `torch` renders windows into zeros. `auto` is `triton` on a CUDA device where it is installed, else `torch`.
        bounds: `max_volume_bytes` for the whole batch and `max_map_work` for each map.

    Raises:
        ValueError: another volume, or a PoTion picture, which only `render_array` renders; or a method that the device
            does not have.
        LimitError: the batch is larger than its bounds.
        ImportError: no torch; or method `triton` and no Triton.
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
        ValueError: method `triton` where Triton does not run.
    """
    if method == "torch" or (method == "auto" and (device.type != "cuda" or find_spec("triton") is None)):
        return render_with_torch
    if not triton_runs_on(device):
        raise ValueError(f"Triton runs on CUDA devices, or on the CPU with TRITON_INTERPRET=1, and not on {device} now")
    return render_with_triton
