"""Devices: what draws and codes stretches in batches, for `heatsvc.draw.batcher`."""

from __future__ import annotations

from heatsvc.encode.devices.cpu import CpuDevice

__all__ = ["CpuDevice"]
