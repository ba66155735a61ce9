"""Devices: what draws and codes stretches in batches, for `heatsvc.render.scheduler`."""

from __future__ import annotations

from heatsvc.encode.devices.choice import Choice, choose
from heatsvc.encode.devices.cpu import CpuDevice
from heatsvc.encode.devices.find import NoGpuError, find_gpu
from heatsvc.encode.devices.gpu import GpuDevice, Reason

__all__ = ["Choice", "CpuDevice", "GpuDevice", "NoGpuError", "Reason", "choose", "find_gpu"]
