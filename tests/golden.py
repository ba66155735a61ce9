"""The golden files: what PYSKL itself makes of a clip."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.pipeline import parse_pipeline
from heatsvc.pose import PoseClip
from heatsvc.volume import HeatmapVolume

FOLDER = Path(__file__).parent / "data" / "golden"
GOLDEN = sorted(path.stem for path in FOLDER.glob("*.npz"))


@dataclass(frozen=True)
class Golden:
    """One case: a clip, the steps it goes through, and what comes out."""

    name: str
    pipeline: list[dict[str, Any]]
    img_shape: tuple[int, int]
    keypoint: npt.NDArray[np.float32]
    keypoint_score: npt.NDArray[np.float32] | None
    imgs: npt.NDArray[np.float32]


def load_golden(name: str) -> Golden:
    """The case of that name, as INDEX.md lists them."""
    with np.load(FOLDER / f"{name}.npz") as file:
        meta = json.loads(str(file["meta"]))
        return Golden(
            name=name,
            pipeline=meta["pipeline"],
            img_shape=tuple(meta["img_shape"]),
            keypoint=file["keypoint"],
            keypoint_score=file.get("keypoint_score"),
            imgs=file["imgs"],
        )


def golden_clip(case: Golden) -> PoseClip:
    """Its clip."""
    return PoseClip.build(case.keypoint, case.keypoint_score, img_shape=case.img_shape)


def golden_volume(case: Golden) -> HeatmapVolume:
    """Its clip, taken through its steps."""
    return parse_pipeline(case.pipeline).run(golden_clip(case))


def tolerance(case: Golden) -> float:
    """Within which every pixel has to agree: 2e-6, and 2e-5 for limbs."""
    return 2e-5 if "limb" in case.name else 2e-6
