"""Training on heatmaps with PyTorch: a dataset of an annotation pickle, and a collate function that renders batches.

Only this package imports torch at import time, and no other package imports it.
"""

from __future__ import annotations

from heatsvc.render.tensors import check_pytorch

check_pytorch()

from heatsvc.torch.collate import HeatmapCollate, collate  # noqa: E402 - after the message about a missing torch
from heatsvc.torch.dataset import HeatmapDataset, HeatmapSample  # noqa: E402

__all__ = ["HeatmapCollate", "HeatmapDataset", "HeatmapSample", "collate"]
