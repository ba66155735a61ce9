"""Training on heatmaps with PyTorch: a data set over an annotation pickle, and what draws its batches.

This room alone imports torch as it is itself imported; nothing imports the room but who trains.
"""

from __future__ import annotations

from heatsvc.render.tensors import check_pytorch

check_pytorch()

from heatsvc.torch.collate import HeatmapCollate, collate  # noqa: E402 - what is missing is said first
from heatsvc.torch.dataset import HeatmapDataset  # noqa: E402
from heatsvc.torch.sample import HeatmapSample  # noqa: E402

__all__ = ["HeatmapCollate", "HeatmapDataset", "HeatmapSample", "collate"]
