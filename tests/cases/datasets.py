"""Builds of small datasets, and what comes out."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.build import build
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions

CASES = Path(__file__).parents[1] / "data" / "cases"


class Dataset(NamedTuple):
    """A finished build.

    Attributes:
        keypoint: [M, T, V, 2] by frame_dir.
        report: as JSON.
    """

    keypoint: dict[str, npt.NDArray[np.float32]]
    report: dict[str, Any]


def build_dataset(
    folder: Path,
    labels: Mapping[str, str],
    keypoints: Mapping[str, bytes] | Path,
    **options: Any,
) -> Dataset:
    """Build with all points of all videos in one split.

    Args:
        folder: for the build.
        labels: label by name.
        keypoints: files as they are sent, or a folder as on the command line.
        options: of the build.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_text("name,label\n" + "".join(f"{name},{labels[name]}\n" for name in labels))
    sent = []
    if not isinstance(keypoints, Path):
        for number, (name, data) in enumerate(keypoints.items()):
            (folder / f"part-{number}").write_bytes(data)
            sent.append(InputFile(name, folder / f"part-{number}"))
    inputs = Inputs(
        keypoints=tuple(sent),
        folder=keypoints if isinstance(keypoints, Path) else None,
        labels=(InputFile("labels.csv", folder / "labels.csv"),),
    )
    chosen = {"select": None, "dtype": "float32", "img_shape": (1080, 1920), "split": {"random": {"all": 1}}}
    result = build(inputs, AnnotationOptions.model_validate(chosen | options), folder / "out")
    content = pickle.loads((folder / "out" / "annotations.pkl").read_bytes())
    return Dataset({one["frame_dir"]: one["keypoint"] for one in content["annotations"]}, result.report)
