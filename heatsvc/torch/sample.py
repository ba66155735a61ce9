"""HeatmapSample: a training sample before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from heatsvc.volume import HeatmapVolume


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapSample:
    """What a loader's worker sends: some kilobytes of points, where the drawn volume has megabytes.

    Attributes:
        volume: the clip behind all steps of its pipeline, T frames of V keypoints in pixels of the map.
        label: the class index.
        frame_dir: the clip's name.
    """

    volume: HeatmapVolume
    label: int
    frame_dir: str
