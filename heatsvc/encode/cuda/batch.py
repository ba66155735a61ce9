"""A batch of volumes, rendered and encoded on one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import EncodedChunk
from heatsvc.encode.cuda.encoders import TorchEncoder, TritonEncoder
from heatsvc.encode.cuda.records import adler32, fetch_sizes, index_records, lay_out
from heatsvc.encode.cuda.rendered import RenderedBatch, cut_rows, render_together
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.cuda import Method
from heatsvc.render.cuda.batch import select_renderer
from heatsvc.render.cuda.packed_batch import can_pack
from heatsvc.render.cuda.renderers import render_with_triton
from heatsvc.render.cuda.transfer import device_context, to_host

DeviceCoding = Literal["zstd", "deflate"]
_CODINGS = ("zstd", "deflate")


# The same steps over all pixels and all bytes of the output: by plain torch, or by Triton kernels.
Encoder = TorchEncoder | TritonEncoder


def can_encode(planned: PlannedVolume, coding: str) -> bool:
    """Whether `encode_batch` takes a volume: one that `can_pack`, for zstd or deflate."""
    return coding in _CODINGS and can_pack(planned.volume)


def encode_batch(
    volumes: Sequence[PlannedVolume],
    coding: DeviceCoding,
    device: str | torch.device,
    *,
    bounds: Bounds,
    method: Method = "auto",
) -> list[EncodedChunk]:
    """Render and compress volumes of any shapes and types on a device; only compressed bytes come to the host.

    Each volume becomes one chunk, without the head and the tail of a body. It decodes to what `render_batch` renders,
    bit for bit, and so to what the CPU renders within the tolerances of `render_batch`. It does not depend on the other
    volumes of the batch.

    The rendered pixels are read once, for the first and the last non-zero pixel of each row part (32 pixels). Prefix
    sums over the parts, and over those that are not all zeros, give the position of each one's bytes in the output;
    then all are written at once. On a CUDA device everything is queued on the current stream, and the host waits twice:
    for a table of 24 bytes per volume with the sizes of the chunks, and for the chunks.

    Memory on the device: the rendered pixels, what `render_batch` needs to render them, 12 bytes for each row part, 120
    for each row part that a primitive's window touches, and the chunks. Each of these is held to `max_volume_bytes`
    before it is allocated. Method `torch` takes up to 400 bytes in place of the 120, the chunks three times, and 100
    MiB. On the host, pinned for a CUDA device: `render_batch`'s tables and the chunks, whose data are views of one
    buffer that lives as long as any of them.

    Nothing is kept between calls, nor when one fails, as with `torch.OutOfMemoryError`.

    Args:
        volumes: that `can_encode` accepts.
        coding: `zstd` or `deflate`. Chunks of deflate have their Adler-32.
        device: as torch names it.
        bounds: `max_volume_bytes` for the whole batch and `max_map_work` for each map. A batch that is refused may be
            within them on the CPU, which keeps no table of rows.
        method: as of `render_batch`.

    Raises:
        ValueError: a volume or coding that only the CPU encodes; or a method that the device does not have.
        LimitError: the batch is larger than its bounds.
        ImportError: method `triton` and no Triton.
        torch.OutOfMemoryError: the device's memory does not hold the batch.
    """
    for number, planned in enumerate(volumes):
        if not can_encode(planned, coding):
            raise ValueError(f"volumes[{number}] cannot be encoded as {coding} on a device, only on the CPU")
    target = torch.device(device)
    render = select_renderer(method, target)
    if not volumes:
        return []
    encoder: Encoder = TritonEncoder() if render is render_with_triton else TorchEncoder()
    order = sorted(range(len(volumes)), key=lambda number: volumes[number].dtype)
    with device_context(target):
        together = [volumes[number] for number in order]
        rendered = render_together(together, render, target, bounds)
        chunks = encode_rendered(together, rendered, coding, encoder, bounds)
    return [chunk for _, chunk in sorted(zip(order, chunks, strict=True), key=lambda pair: pair[0])]


def encode_rendered(
    volumes: Sequence[PlannedVolume], rendered: RenderedBatch, coding: DeviceCoding, encoder: Encoder, bounds: Bounds
) -> list[EncodedChunk]:
    """Encode a rendered batch; `volumes` are in its order.

    Raises:
        LimitError: tables of rows, or chunks, of more than `max_volume_bytes`.
    """
    deflate = coding == "deflate"
    parts = cut_rows(volumes, rendered, bounds)
    extents = encoder.extents(rendered, parts)
    index = index_records(extents, parts)
    records = encoder.measure(rendered, parts, extents, index, deflate=deflate)
    layout = lay_out(records, index, deflate=deflate)
    sizes = fetch_sizes(layout, index)
    if sizes.records > parts.runs:
        raise RuntimeError(f"{sizes.records:,} runs were rendered, more than the upper bound of {parts.runs:,}")
    bounds.check("max_volume_bytes", sizes.size, "bytes of compressed heatmaps")
    write = encoder.deflate if deflate else encoder.zstd
    data = to_host(write(rendered, parts, records, layout, sizes.size)).data
    return [
        EncodedChunk(data[begin : begin + nbytes], planned.nbytes, adler32(planned.nbytes, *sums) if deflate else 0)
        for planned, begin, nbytes, sums in zip(volumes, sizes.begin, sizes.nbytes, sizes.sums, strict=True)
    ]
