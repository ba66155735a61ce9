"""A dataset of KETI's size and form, made from real signing: what `make bench-annotation` builds.

33,517 words of 419, by 20 signers, 109 frames on average and 432 at most, each an .npy [T, 133, 3] of 1920x1080, and
KETI's own table in CP949. The motion is tests/data/keti-mini's: clips one after the other, played faster or
slower, moved and scaled, so that no two files are alike.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.servers import ROOT

CLIPS = 33_517
WORDS = 419
SIGNERS = 20
_LONGEST = 432
_MEAN_FRAMES = 109
_HEADER = ("번호", "언어 제공자 ID", "취득연도", "방향", "타입(단어/문장)", "파일명", "한국어", "")
_MOTION = ROOT / "tests" / "data" / "keti-mini" / "Keypoints-MMPOSE"
_POINTS = 133


@dataclass(frozen=True, slots=True)
class Dataset:
    """Where it lies.

    Attributes:
        keypoints: the folder of the files.
        table: KETI's table.
        clips: how many there are.
        frames: of all clips.
    """

    keypoints: Path
    table: Path
    clips: int
    frames: int


def make(folder: Path, clips: int) -> Dataset:
    """Make the dataset, or find the one that was made before."""
    keypoints, table, note = folder / "Keypoints-MMPOSE", folder / "KETI.csv", folder / "made.json"
    if note.exists():
        made = json.loads(note.read_text())
        if made["clips"] == clips:
            return Dataset(keypoints, table, clips, made["frames"])
    keypoints.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    motion = _motion()
    # Gamma: most near the mean, some four times as long; cut like KETI's longest.
    lengths = np.clip(random.gamma(6.0, _MEAN_FRAMES / 6.0, clips).round(), 20, _LONGEST).astype(int)
    with table.open("w", encoding="cp949", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_HEADER)
        for number, length in enumerate(lengths):
            name = f"KETI_SL_{number + 1:010d}.avi"
            np.save(keypoints / f"{name}.npy", _clip(motion, int(length), random))
            signer = number // WORDS % SIGNERS + 1
            rows.writerow((number + 1, signer, 2017, "정면", "단어", name, f"낱말{number % WORDS:03d}", ""))
            if number % 1000 == 0:
                print(f"\rmaking {clips:,} clips: {number:,}", end="", file=sys.stderr, flush=True)
        rows.writerow(("", "", "", "", "", "", "", "총계"))
    print(file=sys.stderr)
    frames = int(lengths.sum())
    note.write_text(json.dumps({"clips": clips, "frames": frames}))
    return Dataset(keypoints, table, clips, frames)


def _motion() -> npt.NDArray[np.float32]:
    """All sound clips of keti-mini in a row: [T, 133, 3]."""
    found = []
    for path in sorted(_MOTION.glob("*.npy")):
        try:
            array = np.load(path)
        except ValueError:  # one is cut short, one a pickled None
            continue
        if array.shape[1:] == (_POINTS, 3) and len(array) and np.isfinite(array).all():
            found.append(array)
    return np.concatenate(found)


def _clip(motion: npt.NDArray[np.float32], length: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    start, pace = int(random.integers(len(motion))), random.uniform(0.6, 1.4)
    clip = motion[(start + (np.arange(length) * pace).astype(int)) % len(motion)]
    clip[..., :2] = clip[..., :2] * np.float32(random.uniform(0.8, 1.2)) + random.normal(0, 20, 2).astype(np.float32)
    return clip
