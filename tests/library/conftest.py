"""The service beside the library, and a small data set."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.api.conftest import client

__all__ = ["client"]

LABELS = {"clip_0": 2, "clip_1": 0, "clip_2": 1, "clip_3": 2, "clip_4": 0, "clip_5": 4}


def annotations(points: int = 27) -> list[dict[str, Any]]:
    """Six clips of 20 to 120 frames, a person each but the last, which has two; float16, as PYSKL's are."""
    random = np.random.default_rng(0)
    made = []
    for i, (name, label) in enumerate(LABELS.items()):
        persons, frames = 1 + (i == 5), 20 + 20 * i
        paths = random.normal(0, 4, (persons, frames, points, 2)).cumsum(axis=1)
        keypoint = (random.uniform(100, 400, (persons, 1, points, 2)) + paths).clip(1, 499)
        made.append(
            {
                "frame_dir": name,
                "label": label,
                "img_shape": (500, 500),
                "original_shape": (500, 500),
                "total_frames": frames,
                "num_person_raw": persons,
                "keypoint": keypoint.astype(np.float16),
                "keypoint_score": random.uniform(0.3, 1, keypoint.shape[:3]).astype(np.float16),
            }
        )
    return made


SPLIT = {"train": ["clip_3", "clip_0", "clip_1", "clip_5"], "val": ["clip_2", "clip_4"]}


def write(folder: Path, content: Any) -> Path:
    """A pickle of it."""
    path = folder / "annotations.pkl"
    path.write_bytes(pickle.dumps(content, protocol=4))
    return path


@pytest.fixture
def dataset_file(tmp_path: Path) -> Path:
    """An annotation pickle of the six clips."""
    return write(tmp_path, {"split": SPLIT, "annotations": annotations()})
