"""Selects the GPU that renders and encodes batches for `heatsvc.render.scheduler`."""

from __future__ import annotations

from heatsvc.encode.devices.gpu import FallbackReason, GpuDevice
from heatsvc.encode.devices.selection import DeviceSelection, find_gpu, select_device

__all__ = ["DeviceSelection", "FallbackReason", "GpuDevice", "find_gpu", "select_device"]
