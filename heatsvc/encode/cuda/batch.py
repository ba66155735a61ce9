"""encode_batch: renders and encodes a batch of volumes on one device."""

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


# Both take the same steps over all pixels and all bytes of the output.
Encoder = TorchEncoder | TritonEncoder


def can_encode(planned: PlannedVolume, coding: str) -> bool:
    """Whether `encode_batch` can encode a volume: `can_pack` is true, and the coding is zstd or deflate."""
    return coding in _CODINGS and can_pack(planned.volume)


def encode_batch(
    volumes: Sequence[PlannedVolume],
    coding: DeviceCoding,
    device: str | torch.device,
    *,
    bounds: Bounds,
    method: Method = "auto",
) -> list[EncodedChunk]:
    """Render and compress volumes of any shapes and types on a device; only compressed bytes are copied to the host.

    Each volume becomes one chunk, without the head and the tail of a body. It decodes to what `render_batch` renders,
    bit for bit, and so to what the CPU renders within the tolerances of `render_batch`. It does not depend on the other
    volumes of the batch.

    The rendered pixels are read once, to find the first and the last non-zero pixel of each row part (32 pixels).
    Prefix sums over the parts, and over the parts that are not all zeros, give the position of each part's bytes in the
    output; then all are written at once. On a CUDA device everything is queued on the current stream, and the host
    waits twice: for a table of 24 bytes per volume with the sizes of the chunks, and for the chunks.

    Memory on the device: the rendered pixels, the tables of `render_batch`, 12 bytes per row part, 120 per row part
    that a primitive's window touches, and the chunks. `max_volume_bytes` limits each of these before it is allocated.
    Method `torch` takes up to 400 bytes instead of 120, the chunks three times, and 100 MiB. Memory on the host, pinned
    for a CUDA device: the tables of `render_batch`, and the chunks, whose data are views of one buffer that lives as
    long as any of them.

    No memory is kept between calls, or after an error such as `torch.OutOfMemoryError`.

    Args:
        volumes: volumes for which `can_encode` is true.
        coding: `zstd` or `deflate`. Chunks of deflate have an Adler-32.
        device: a device of torch.
        bounds: `max_volume_bytes` limits the whole batch, and `max_map_work` each map. A batch that exceeds them may be
            within them on the CPU, which needs no table of rows.
        method: see `render_batch`.

    Raises:
        ValueError: only the CPU encodes a volume or the coding; or the method does not run on the device.
        LimitError: the batch exceeds a bound.
        ImportError: the method is `triton`, and Triton is not installed.
        torch.OutOfMemoryError: the batch does not fit into the device's memory.
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
    """Encode a rendered batch; `volumes` have the order of the batch.

    Raises:
        LimitError: the tables of rows or the chunks exceed `max_volume_bytes`.
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
