"""The golden files of MMPose: what its own code makes of keypoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.volume import Gaussian, HeatmapVolume

FOLDER = Path(__file__).parent / "data" / "golden-variants"
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Variant:
    """A volume of one frame, and the maps [K, H, W] that MMPose's code renders for it."""

    name: str
    volume: HeatmapVolume
    heatmaps: npt.NDArray[np.float32]


def load_variant(name: str) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The arrays of a file, and what it says about them."""
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files if key != "meta"}
        return arrays, json.loads(str(file["meta"]))


def describe_mmpose(kind: str, sigma: float) -> Gaussian:
    """MMPose's Gaussian of `MSRAHeatmap` (msra; dark with `unbiased`) or `UDPHeatmap` (udp)."""
    center, window = {"msra": ("rounded", "mmpose"), "dark": ("exact", "dark"), "udp": ("exact", "mmpose")}[kind]
    return Gaussian(sigma, eps=0.5, center=center, window=window, peak="one")


def frame(
    keypoint: npt.NDArray[Any], score: npt.NDArray[np.float32], size: tuple[int, int], gaussian: Gaussian, **more: Any
) -> HeatmapVolume:
    """A volume of one frame. keypoint: [M, V, 2]. score: [M, V]. size: width and height."""
    return HeatmapVolume(
        np.ascontiguousarray(keypoint[:, None]),
        np.ascontiguousarray(score[:, None]),
        size[1],
        size[0],
        gaussian,
        **more,
    )


def _mmpose_variants() -> Iterator[Variant]:
    for path in sorted(FOLDER.glob("*.npz")):
        arrays, meta = load_variant(path.stem)
        kind, size = path.stem.split("_")[0], meta["params"].get("heatmap_size_wh")
        if path.stem == "msra_udp_fractional_sigma":
            for kind in ("msra", "udp"):
                gaussian = describe_mmpose(kind, meta["params"]["sigma"])
                volume = frame(arrays["keypoints"], arrays["keypoints_visible"], size, gaussian)
                yield Variant(f"{kind}_fractional_sigma", volume, arrays[f"heatmaps_{kind}"])
        elif kind in ("msra", "dark", "udp") and path.stem != "msra_two_instances":
            keypoint = arrays["keypoints"] / np.array(meta["params"]["scale_factor_xy"], np.float32)
            gaussian = describe_mmpose(kind, meta["params"]["sigma"])
            yield Variant(path.stem, frame(keypoint, arrays["keypoints_visible"], size, gaussian), arrays["heatmaps"])


MMPOSE_VARIANTS = list(_mmpose_variants())
"""Each file of one Gaussian."""
