"""HeatmapCollate: renders a batch of samples as tensors."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import get_worker_info
from torch.utils.data._utils.collate import default_collate_fn_map

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import DeviceError
from heatsvc.kernels import KERNELS
from heatsvc.library import DType, render_dtype
from heatsvc.pipeline import PipelineError
from heatsvc.render.array import render_array
from heatsvc.render.cpu import DType as RenderDType
from heatsvc.render.tensors import as_device, render_tensors
from heatsvc.torch.dataset import HeatmapSample
from heatsvc.volume import HeatmapVolume

Batch = tuple[torch.Tensor, torch.Tensor]

# A batch is limited only by the memory of the machine.
_UNBOUNDED = replace(DEFAULT_BOUNDS, max_volume_bytes=1 << 60)

_MAX_BUFFERS = 2


class HeatmapCollate:
    """Renders batches of a `HeatmapDataset`, as a DataLoader's `collate_fn` or after the DataLoader.

    As a `collate_fn` it renders in the DataLoader's workers, which cannot use a GPU, and which send the batch through
    shared memory, which takes longer than rendering. It is faster to let the workers send points::

        loader = DataLoader(dataset, batch_size=32, num_workers=4, collate_fn=list)
        for imgs, labels in map(HeatmapCollate(device="cuda"), loader): ...

    On the CPU it keeps the memory of two batches, and reuses it when no tensor shares it any more.
    """

    def __init__(self, device: str | torch.device = "cpu", dtype: DType = "float32"):
        """Set the device and the data type.

        Args:
            device: ``cpu``, ``cuda``, ``cuda:1``.
            dtype: float32, float16 or uint8; a pipeline reduced by argmax gives int16.

        Raises:
            DeviceError: the device does not exist, or cannot render.
            InputError: the dtype is not supported.
        """
        self.device = as_device(device)
        self.dtype: DType = dtype
        self._buffers = _Buffers()
        render_dtype(dtype, "none")
        KERNELS.warn_if_missing()

    def __call__(self, samples: Sequence[HeatmapSample]) -> Batch:
        """Render N samples.

        Returns:
            imgs: [N, C, K, T, H, W] with FormatShape, for C clips per sample, as in PYSKL and MMAction2;
                [N, T, K, H, W] without it.
            labels: int64 [N], on the same device.

        Raises:
            PipelineError: volumes have different shapes; the message names two clips and what would make them equal.
            DeviceError: called with a GPU in a DataLoader worker.
        """
        volumes = [sample.volume for sample in samples]
        _check_shapes(samples)
        dtype = render_dtype(self.dtype, volumes[0].reduce)
        labels = torch.tensor([sample.label for sample in samples])
        if self.device.type == "cpu":
            return _render_on_cpu(volumes, dtype, self._buffers), labels
        if get_worker_info() is not None:
            raise DeviceError(
                f"a DataLoader worker cannot render on {self.device}: pass collate_fn=list to the DataLoader, "
                "and render with map(HeatmapCollate(device=...), loader)"
            )
        return torch.stack(render_tensors(volumes, dtype, self.device, _UNBOUNDED)), labels.to(self.device)

    def __repr__(self) -> str:
        return f"HeatmapCollate(device={str(self.device)!r}, dtype={self.dtype!r})"


def collate(samples: Sequence[HeatmapSample]) -> Batch:
    """Render a batch in float32 on the CPU, as `HeatmapCollate()` does, but without reusing memory."""
    return HeatmapCollate()(samples)


def _default_collate(samples: Sequence[HeatmapSample], *, collate_fn_map: object = None) -> Batch:
    return collate(samples)


# For a DataLoader without a collate_fn. The documentation of `default_collate` describes this way of extending it.
default_collate_fn_map[HeatmapSample] = _default_collate


def _check_shapes(samples: Sequence[HeatmapSample]) -> None:
    if not samples:
        raise PipelineError("a batch needs at least one sample", field="samples")
    first = samples[0]
    for other in samples[1:]:
        if other.volume.shape != first.volume.shape:
            if first.volume.channels != other.volume.channels:
                raise PipelineError(
                    f"volumes of a batch must have the same number of channels: {first.frame_dir} has "
                    f"{first.volume.channels}, {other.frame_dir} has {other.volume.channels}. Use `select` to take the "
                    "same points from each clip",
                    field="select",
                )
            raise PipelineError(
                f"volumes of a batch must have the same shape: {first.frame_dir} is {list(first.volume.shape)}, "
                f"{other.frame_dir} is {list(other.volume.shape)}. Use UniformSampleFrames for clips of one length, "
                "and Resize or CenterCrop for maps of one size",
                field="pipeline",
            )


def _render_on_cpu(volumes: Sequence[HeatmapVolume], dtype: RenderDType, buffers: _Buffers) -> torch.Tensor:
    """Render volumes into a tensor [N, *shape]."""
    batch = buffers.take((len(volumes), *volumes[0].shape), dtype)
    for volume, array in zip(volumes, batch, strict=True):
        render_array(volume, dtype, out=array)
    return torch.from_numpy(batch)


class _Buffers:
    """Arrays for tensors, reused when no tensor shares their memory any more.

    A batch has hundreds of megabytes, and rendering into new memory pages takes several times as long as into existing
    ones. `take` returns a new view of an array, which `torch.from_numpy` keeps alive as long as any tensor, view or
    autograd node shares its memory. Two arrays are kept, since a training loop still has one batch when it takes the
    next.
    """

    def __init__(self) -> None:
        self._arrays: list[tuple[npt.NDArray[Any], weakref.ref[npt.NDArray[Any]]]] = []

    def take(self, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
        """An array of that shape and type, whose contents are undefined."""
        alike = [kept for kept in self._arrays if kept[0].shape == shape and kept[0].dtype == dtype]
        unused = (array for array, view in alike if view() is None)
        array = next(unused, None)
        if array is None:
            array = np.empty(shape, dtype)
        view = array.view()
        others = [kept for kept in alike if kept[0] is not array]
        self._arrays = [*others, (array, weakref.ref(view))][-_MAX_BUFFERS:]
        return view

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the arrays."""
        return {"_arrays": []}
