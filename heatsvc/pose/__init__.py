"""Clips of keypoints, their layouts, and the readers of keypoint files. No geometry here."""

from __future__ import annotations

from heatsvc.pose.clip import PoseClip, check_img_shape
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.layouts import LAYOUTS, LAYOUTS_BY_POINTS, Layout, LayoutError, get_layout

__all__ = [
    "LAYOUTS",
    "LAYOUTS_BY_POINTS",
    "Layout",
    "LayoutError",
    "NoKeypointsError",
    "PoseClip",
    "PoseError",
    "check_img_shape",
    "get_layout",
]
