"""Training configs for a dataset: PoseConv3D for PYSKL and for MMAction2, on keypoints or on limbs."""

from __future__ import annotations

from heatsvc.annotation.configs.formats import CONFIGS, config, configs

__all__ = ["CONFIGS", "config", "configs"]
