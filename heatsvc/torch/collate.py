"""HeatmapCollate: a batch of samples becomes tensors, drawn all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.utils.data import get_worker_info

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.library.device import DeviceError, as_device, render_tensors
from heatsvc.library.dtypes import DType, drawn_dtype
from heatsvc.pipeline import PipelineError
from heatsvc.render.array import render_array
from heatsvc.render.cpu import DType as DrawnDType
from heatsvc.render.cpu import plan, render_runs, scatter
from heatsvc.torch.buffers import Buffers
from heatsvc.torch.sample import HeatmapSample
from heatsvc.volume import HeatmapVolume

Batch = tuple[torch.Tensor, torch.Tensor]

# How large a batch may be is for the machine's own memory to say.
_UNBOUNDED = replace(DEFAULT_BOUNDS, max_volume_bytes=1 << 60)


class HeatmapCollate:
    """Draws batches of a `HeatmapDataset`, as a loader's `collate_fn` or behind the loader.

    As a `collate_fn` it draws in the loader's workers. They then send the drawn batch through shared memory, which
    takes longer than the drawing, and they cannot use a GPU. Better, with workers, to let them send points::

        loader = DataLoader(dataset, batch_size=32, num_workers=4, collate_fn=list)
        for imgs, labels in map(HeatmapCollate(device="cuda"), loader): ...

    On the CPU it keeps the memory of two batches, and draws into it again once nobody has a tensor of them.
    """

    def __init__(self, device: str | torch.device = "cpu", dtype: DType = "float32"):
        """Say where and in which type.

        Args:
            device: ``cpu``, ``cuda``, ``cuda:1``.
            dtype: float32, float16 or uint8; a pipeline reduced by argmax gives int16.

        Raises:
            DeviceError: the device is not there, or nothing draws on it.
            InputError: another dtype.
        """
        self.device = as_device(device)
        self.dtype: DType = dtype
        self._buffers = Buffers()
        drawn_dtype(dtype, "none")

    def __call__(self, samples: Sequence[HeatmapSample]) -> Batch:
        """Draw N samples.

        Returns:
            imgs: [N, C, K, T, H, W] behind a FormatShape, with C clips of a sample, as in PYSKL and MMAction2;
                [N, T, K, H, W] without one.
            labels: int64 [N], on the same device.

        Raises:
            PipelineError: volumes of different shapes; the message names two clips and what would make them equal.
            DeviceError: a GPU is asked for in a loader's worker.
        """
        volumes = [sample.volume for sample in samples]
        _check_shapes(samples)
        dtype = drawn_dtype(self.dtype, volumes[0].reduce)
        labels = torch.tensor([sample.label for sample in samples])
        if self.device.type == "cpu":
            return _draw_on_cpu(volumes, dtype, self._buffers), labels
        if get_worker_info() is not None:
            raise DeviceError(
                f"a loader's worker cannot draw on {self.device}: give the loader collate_fn=list, "
                "and take the batches from map(HeatmapCollate(device=...), loader)"
            )
        return torch.stack(render_tensors(volumes, dtype, self.device, _UNBOUNDED)), labels.to(self.device)

    def __repr__(self) -> str:
        return f"HeatmapCollate(device={str(self.device)!r}, dtype={self.dtype!r})"


def collate(samples: Sequence[HeatmapSample]) -> Batch:
    """`HeatmapCollate` with its defaults, float32 on the CPU; keeps no memory."""
    return HeatmapCollate()(samples)


def _check_shapes(samples: Sequence[HeatmapSample]) -> None:
    if not samples:
        raise PipelineError("a batch has one sample at least", field="samples")
    first = samples[0]
    for other in samples[1:]:
        if other.volume.shape != first.volume.shape:
            raise PipelineError(
                f"a batch needs volumes of one shape: {first.frame_dir} is {list(first.volume.shape)}, "
                f"{other.frame_dir} is {list(other.volume.shape)}. UniformSampleFrames gives clips of one length, "
                "Resize or CenterCrop maps of one size",
                field="pipeline",
            )


def _draw_on_cpu(volumes: Sequence[HeatmapVolume], dtype: DrawnDType, buffers: Buffers) -> torch.Tensor:
    """[N, *shape], every volume drawn into its place."""
    places = buffers.take((len(volumes), *volumes[0].shape), dtype, -1 if dtype == "int16" else 0)
    for volume, place in zip(volumes, places, strict=True):
        if volume.potion:
            place[...] = render_array(volume, dtype)
            continue
        flat, area = place.reshape(-1), volume.height * volume.width
        for tile in plan(volume).tiles:
            scatter(render_runs(volume, tile, dtype), flat[tile.first * area : tile.last * area])
    return torch.from_numpy(places)
