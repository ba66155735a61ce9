"""keti-mini as a build's inputs, and what DOMAIN.md says must come out, written down once more."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from heatsvc.annotation.build import BuildResult, build
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions

MINI = Path(__file__).parents[1] / "data" / "keti-mini"
KEYPOINTS = MINI / "Keypoints-MMPOSE"
TABLES = MINI / "Annotation"
# DOMAIN.md: sign27 in COCO-WholeBody order.
SIGN27 = [
    *(0, 5, 6, 7, 8, 9, 10, 91, 95, 96, 99, 100, 103, 104, 107, 108, 111),
    *(112, 116, 117, 120, 121, 124, 125, 128, 129, 132),
]
OPTIONS: dict[str, Any] = {
    "img_shape": (1080, 1920),
    "types": ["단어"],
    "missing": "zeros",
    "faulty": "drop",
}
WORKBOOKS = ("KETI-2017-SL-Annotation-v2_1.xlsx", "KETI-2018-SL-Annotation-v1.xlsx")
CLASSES = ["10", "1000", "도와주세요", "병원", "화장실", "화재"]


def named(*names: str) -> tuple[InputFile, ...]:
    """Files under Annotation/."""
    return tuple(InputFile(Path(name).name, TABLES / name) for name in names)


def inputs(**given: Any) -> Inputs:
    """keti-mini with its workbooks and its split file by default."""
    known: dict[str, Any] = {"folder": KEYPOINTS, "labels": named(*WORKBOOKS), "split": named("split.json")}
    return Inputs(**(known | given))


def made(folder: Path, given: Inputs | None = None, **options: Any) -> BuildResult:
    """A build of keti-mini."""
    chosen = {name: value for name, value in (OPTIONS | options).items() if value != "leave"}
    return build(given or inputs(), AnnotationOptions(**chosen), folder)


def loaded(folder: Path) -> dict[str, Any]:
    """The pickle, as a training run reads it."""
    content: dict[str, Any] = pickle.loads((folder / "annotations.pkl").read_bytes())
    return content


def array_of(number: int) -> np.ndarray:
    """A sound keypoint file."""
    (path,) = KEYPOINTS.glob(f"KETI_SL_{number:010d}.*")
    return np.load(path)


def name(number: int) -> str:
    return f"KETI_SL_{number:010d}"


def removal_frames() -> dict[str, int]:
    counts: dict[str, int] = json.loads((MINI / "removal_frames.json").read_text())
    return counts
