"""A batch of volumes drawn into one tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import prod
from typing import Literal

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.render.cuda.fused import draw_fused, draws_on
from heatsvc.render.cuda.pack import Pack, pack
from heatsvc.render.cuda.tensors import Device, Tensor, TensorDType
from heatsvc.render.cuda.windows import draw_windows
from heatsvc.volume import HeatmapVolume

Method = Literal["auto", "triton", "torch"]


def render_batch(
    volumes: Sequence[HeatmapVolume],
    dtype: TensorDType = "float32",
    device: str | Device = "cpu",
    *,
    method: Method = "auto",
    bounds: Bounds = DEFAULT_BOUNDS,
) -> list[Tensor]:
    """Draw volumes of any shapes, each as a dense tensor of its `shape`, `[T, K, H, W]` or `[n, K, T / n, H, W]`.

    For CUDA devices. On the CPU `render_array` is several times faster; what is drawn here serves as its twin.

    Agrees with `render_array` within 2e-6 of a keypoint's peak, 2e-5 of a limb's (float32); what a volume becomes does
    not depend on what else is in the batch.

    On a CUDA device all is queued on the current stream and nothing is waited for.

    Memory: the tensors are parts of one allocation of the batch's pixels, which lives as long as any of them. Besides
    that the host, and for as long as it draws the device, hold 64 bytes for each keypoint and limb that is drawn
    (persons and mirrored copies counted), and 9 for each map. Each of these two tables is held to `max_volume_bytes`
    too. Method `torch` takes 200 bytes more for each keypoint and limb, and 160 MiB.

    Args:
        volumes: of reduction `none` or `max`; with keypoints, limbs or both; with or without mirrored copies.
        dtype: float32; float16 or bfloat16, rounded to nearest, at most the largest finite number of the type (65504
            of float16); uint8, value * 255 rounded to nearest, at most 255.
        device: as torch names it.
        method: `triton` draws with fused kernels, one for the maps of keypoints and one for those of limbs, each pixel
            written once; on CPU tensors only where Triton interprets (`TRITON_INTERPRET=1` before it is imported).
            `torch` draws windows into zeros. `auto` is `triton` on a CUDA device where it is installed, else `torch`.
        bounds: `max_volume_bytes` for the whole batch and `max_map_work` for each map.

    Raises:
        ValueError: a PoTion picture or a volume reduced by argmax, which only `render_array` draws; or a method that
            the device has not.
        LimitError: the batch is larger than its bounds.
        ImportError: no torch; or method `triton` and no Triton.
    """
    import torch

    place, pixel_type = torch.device(device), getattr(torch, dtype)
    draw = drawer(method, place)
    batch = pack(volumes, pixel_type.itemsize, bounds, pinned=place.type == "cuda")
    out = torch.empty(batch.pixels, dtype=pixel_type, device=place)
    draw(batch, out)
    return [
        out[first : first + prod(shape)].view(shape) for first, shape in zip(batch.offsets, batch.shapes, strict=True)
    ]


def drawer(method: Method, device: Device) -> Callable[[Pack, Tensor], None]:
    """What draws a pack there, into a tensor of its pixels.

    Raises:
        ValueError: Triton is asked for where it does not draw.
    """
    if method == "torch" or (method == "auto" and (device.type != "cuda" or find_spec("triton") is None)):
        return draw_windows
    if not draws_on(device):
        raise ValueError(
            f"Triton draws on CUDA devices, or with TRITON_INTERPRET=1 on the CPU alone, and not on {device} now"
        )
    return draw_fused
