"""Clips of keypoints, their layouts, and the readers of keypoint files."""

from __future__ import annotations

from heatsvc.pose.clip import PoseClip, check_img_shape
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.layouts import LAYOUTS, Layout, LayoutError, get_layout, infer_layout

__all__ = [
    "LAYOUTS",
    "Layout",
    "LayoutError",
    "NoKeypointsError",
    "PoseClip",
    "PoseError",
    "check_img_shape",
    "get_layout",
    "infer_layout",
]
