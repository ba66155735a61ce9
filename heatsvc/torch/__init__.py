"""Training on heatmaps with PyTorch: a dataset over an annotation pickle, and a collate function that renders batches.

This package and `heatsvc.encode.cuda` import torch when they are imported; other packages import them only when needed.
"""

from __future__ import annotations

from heatsvc.render.tensors import check_pytorch

check_pytorch()

from heatsvc.torch.collate import HeatmapCollate, collate  # noqa: E402 - after the message about a missing torch
from heatsvc.torch.dataset import HeatmapDataset, HeatmapSample  # noqa: E402

__all__ = ["HeatmapCollate", "HeatmapDataset", "HeatmapSample", "collate"]
