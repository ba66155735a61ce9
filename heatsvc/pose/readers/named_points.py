"""Clips of points that have names and may be missing, as trackers write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.layouts import canonical_names, layout_of_names
from heatsvc.pose.readers.upload import Upload


def clip_of_points(
    upload: Upload, names: Sequence[str], limbs: Sequence[tuple[int, int]], keypoint: Float32, score: Float32
) -> PoseClip:
    """The clip of named points [M, T, V, 2] and scores [M, T, V]; one without a position or score has score 0."""
    missing = np.isnan(keypoint).any(axis=-1) | np.isnan(score)
    keypoint[missing], score[missing] = 0, 0
    layout = layout_of_names(canonical_names(names), tuple(limbs)) if upload.options.layout is None else None
    return upload.build_clip(keypoint, score, layout=layout)
