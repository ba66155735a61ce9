"""Ranges of frames in labels: WLASL's `frame_start` and `frame_end`."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatsvc.annotation.build import build
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.labels.frame_range import FrameRange
from heatsvc.annotation.options import AnnotationOptions


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("1", "-1", None),
        ("1", "", None),
        ("", "", None),
        ("0", "0", None),
        ("9", "3", None),
        ("x", "y", None),
        ("9" * 15, "", None),
        ("1", "55", FrameRange(1, 55)),
        ("12", "-1", FrameRange(12, None)),
        ("12", "12", FrameRange(12, 12)),
        ("", "20", FrameRange(1, 20)),
    ],
)
def test_ranges(start: str, end: str, expected: FrameRange | None) -> None:
    assert FrameRange.of({"frame_start": start, "frame_end": end}) == expected


WLASL = [
    {
        "gloss": "book",
        "instances": [
            {"video_id": "whole", "split": "train", "frame_start": 3, "frame_end": 6},
            {"video_id": "from", "split": "train", "frame_start": 8, "frame_end": -1},
            {"video_id": "cut_before", "split": "train", "frame_start": 101, "frame_end": 110},
            {"video_id": "other", "split": "train", "frame_start": 101, "frame_end": 140},
            {"video_id": "no_range", "split": "train", "frame_start": 1, "frame_end": -1},
        ],
    }
]
NAMES = ("whole", "from", "cut_before", "other", "no_range")
# x of a frame is its number, from 1 on.
ALL = list(range(1, 11))


def made(
    tmp_path: Path, labels: Any = WLASL, *, compiled: bool = True, **options: Any
) -> tuple[dict[str, list[int]], Any]:
    """The frames of each video, and the fault `frame_range` by video."""
    folder = tmp_path / "keypoints"
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        points = np.full((10, 27, 3), 0.5, np.float32 if compiled else np.float64)
        points[..., 0], points[..., 1] = np.arange(1, 11)[:, None], np.arange(27) + 1
        np.save(folder / f"{name}.npy", points)
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    inputs = Inputs(folder=folder, labels=(InputFile("labels.json", tmp_path / "labels.json"),))
    given = {"img_shape": (64, 64), "faulty": "drop", **options}
    report = build(inputs, AnnotationOptions.model_validate(given), tmp_path / "out").report
    content = pickle.loads((tmp_path / "out" / "annotations.pkl").read_bytes())
    frames = {clip["frame_dir"]: clip["keypoint"][0, :, 0, 0].astype(int).tolist() for clip in content["annotations"]}
    groups = [group for group in report["faults"] if group["kind"] == "frame_range"]
    return frames, {item["name"]: item["detail"] for group in groups for item in group["items"]}


def test_ranges_that_are_not_applied_are_reported(tmp_path: Path) -> None:
    frames, reported = made(tmp_path)
    assert frames == dict.fromkeys(NAMES, ALL)
    assert reported == {
        "whole": "the label is for the frames 3 to 6, but the keypoints have 10, which are all kept: if they show the "
        "whole video, set the option frame_range to apply, which cuts them",
        "from": "the label is for the frames 8 to the end, but the keypoints have 10, which are all kept: if they show "
        "the whole video, set the option frame_range to apply, which cuts them",
        "other": "the label is for the frames 101 to 140, but the keypoints have 10: nothing was cut",
    }


@pytest.mark.parametrize("compiled", [True, False])
def test_ranges_are_applied_where_that_is_said(tmp_path: Path, compiled: bool) -> None:
    frames, reported = made(tmp_path, compiled=compiled, frame_range="apply")
    assert frames == dict.fromkeys(NAMES, ALL) | {"whole": [3, 4, 5, 6], "from": [8, 9, 10]}
    assert list(reported) == ["other"]


def test_ranges_are_ignored_where_that_is_said(tmp_path: Path) -> None:
    assert made(tmp_path, frame_range="ignore") == (dict.fromkeys(NAMES, ALL), {})


def test_the_ranges_of_nslt(tmp_path: Path) -> None:
    nslt = {
        "whole": {"subset": "train", "action": [0, 2, 4]},
        "no_range": {"subset": "train", "action": [1, 1, 10]},
    }
    frames, reported = made(tmp_path, nslt, frame_range="apply")
    assert (frames, reported) == ({"whole": [2, 3, 4], "no_range": ALL}, {})


def test_a_resumed_build_is_that_of_its_options(tmp_path: Path) -> None:
    assert made(tmp_path)[0]["whole"] == ALL
    assert made(tmp_path, frame_range="apply")[0]["whole"] == [3, 4, 5, 6]
