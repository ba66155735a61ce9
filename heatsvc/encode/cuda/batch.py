"""A batch of volumes, drawn and coded on one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import EncodedChunk
from heatsvc.encode.cuda.drawn import Drawn, draw_together
from heatsvc.encode.cuda.fetch import fetch
from heatsvc.encode.cuda.fused import Fused
from heatsvc.encode.cuda.parts import Parts, cut
from heatsvc.encode.cuda.plain import Plain
from heatsvc.encode.cuda.records import Counted, Extents, Places, Records, count_records, place
from heatsvc.encode.cuda.told import adler32, tell
from heatsvc.encode.planned import PlannedVolume
from heatsvc.render.cuda import Method
from heatsvc.render.cuda.batch import drawer
from heatsvc.render.cuda.fused import current, draw_fused
from heatsvc.render.cuda.tensors import Device, Tensor

BatchCoding = Literal["zstd", "deflate"]
_CODINGS = ("zstd", "deflate")


class Steps(Protocol):
    """What is done to all pixels, or to all bytes of the answer: by plain torch, or by Triton's kernels."""

    def extents(self, drawn: Drawn, parts: Parts) -> Extents:
        """What of each part is not zero, told by the bits of its pixels. Reads each drawn byte once."""

    def measure(self, drawn: Drawn, parts: Parts, extents: Extents, counted: Counted, *, deflate: bool) -> Records:
        """All records, and how long each will be; for deflate their bytes are read once, for the bits of each."""

    def zstd(self, drawn: Drawn, parts: Parts, records: Records, places: Places, size: int) -> Tensor:
        """The chunks, uint8 [size], in which they stand at their places: RLE and raw blocks (RFC 8878, 3.1.1.2)."""

    def deflate(self, drawn: Drawn, parts: Parts, records: Records, places: Places, size: int) -> Tensor:
        """The chunks, uint8 [size]: each a block of codes, and an empty stored one (RFC 1951, 3.2)."""


def can_encode(planned: PlannedVolume, coding: str) -> bool:
    """Whether `encode_batch` takes it: no PoTion picture, nothing reduced by argmax, and zstd or deflate."""
    return coding in _CODINGS and not planned.volume.potion and planned.volume.reduce != "argmax"


def encode_batch(
    volumes: Sequence[PlannedVolume],
    coding: BatchCoding,
    device: str | Device,
    *,
    bounds: Bounds,
    method: Method = "auto",
) -> list[EncodedChunk]:
    """Draw and compress volumes of any shapes and types on a device; only what is compressed comes to the host.

    Each becomes a chunk of its own, without the head and the tail of a body, which decodes to what `render_batch`
    renders, bit for bit: so within the same tolerances of what the CPU renders. It does not depend on what else is in
    the batch.

    The drawn pixels are read once, for the first and the last of each part of a row (32 pixels) that are not zero.
    Prefix sums over the parts, and over those that are not all zeros, tell where each one's bytes stand in the answer,
    and then all are written at once. On a CUDA device all is queued on the current stream, and waited for twice: for a
    table of 24 bytes a planned, which tells how long the answers are, and for the answers.

    Memory: on the device the drawn pixels, what `render_batch` takes besides to draw them, 12 bytes for each part of a
    row (32 pixels, or a shorter row), 120 for each part of a row that a figure's window touches, and the answers. Each
    of these is held to `max_volume_bytes` before it is allocated. Method `torch` takes up to 400 bytes in place of
    the 120, the answers three times, and 100 MiB. On the host, pinned for a CUDA device, `render_batch`'s tables and
    the answers, whose data are views of one buffer: it lives as long as any of them does.

    Nothing of it is kept between calls, nor when one fails, as with `torch.OutOfMemoryError`.

    Args:
        volumes: that `can_encode` says yes to.
        coding: `zstd` or `deflate`. Of deflate each chunk has its Adler-32.
        device: as torch names it.
        bounds: `max_volume_bytes` for the whole batch and `max_map_work` for each map. What is refused here may be
            within them by itself, or on the CPU, which keeps no table of rows.
        method: as of `render_batch`.

    Raises:
        ValueError: a planned, or a coding, that stays with the CPU; or a method that the device has not.
        LimitError: the batch is larger than its bounds.
        ImportError: no torch; or method `triton` and no Triton.
        torch.OutOfMemoryError: the device's memory does not hold the batch.
    """
    import torch

    for number, planned in enumerate(volumes):
        if not can_encode(planned, coding):
            raise ValueError(f"volumes[{number}] is not coded as {coding} on a device: only the CPU does that")
    where = torch.device(device)
    draw = drawer(method, where)
    if not volumes:
        return []
    steps: Steps = Fused() if draw is draw_fused else Plain()
    order = sorted(range(len(volumes)), key=lambda number: volumes[number].dtype)
    with current(where):
        together = [volumes[number] for number in order]
        chunks = code_drawn(together, draw_together(together, draw, where, bounds), coding, steps, bounds)
    return [chunk for _, chunk in sorted(zip(order, chunks, strict=True), key=lambda pair: pair[0])]


def code_drawn(
    volumes: Sequence[PlannedVolume], drawn: Drawn, coding: BatchCoding, steps: Steps, bounds: Bounds
) -> list[EncodedChunk]:
    """Code what is drawn already, the volumes in the order that they are drawn in.

    Raises:
        LimitError: tables of rows, or answers, of more than `max_volume_bytes`.
    """
    deflate = coding == "deflate"
    parts = cut(volumes, drawn, bounds)
    extents = steps.extents(drawn, parts)
    counted = count_records(extents, parts)
    records = steps.measure(drawn, parts, extents, counted, deflate=deflate)
    places = place(records, counted, deflate=deflate)
    told = tell(places, counted)
    if told.records > parts.runs:
        raise RuntimeError(f"{told.records:,} runs were drawn where there could be {parts.runs:,} at the most")
    bounds.check("max_volume_bytes", told.size, "bytes of compressed heatmaps")
    write = steps.deflate if deflate else steps.zstd
    coded = fetch(write(drawn, parts, records, places, told.size)).data
    return [
        EncodedChunk(coded[begin : begin + nbytes], planned.nbytes, adler32(planned.nbytes, *sums) if deflate else 0)
        for planned, begin, nbytes, sums in zip(volumes, told.begin, told.nbytes, told.sums, strict=True)
    ]
