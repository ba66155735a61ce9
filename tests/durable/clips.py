"""A dataset of many small clips in a folder, and the same as an upload."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.jobs.request import BuildRequest

LABELS = ("집", "산", "물", "불")


def write_upload(folder: Path, clips: int, seed: int = 0) -> BuildRequest:
    """Keypoints as a zip, labels and a split; the request for them."""
    random = np.random.default_rng(seed)
    with zipfile.ZipFile(folder / "0", "w") as archive:
        for number in range(clips):
            points = random.uniform(1, 500, (2 + number % 3, 133, 3)).astype(np.float32)
            points[..., 2] = random.uniform(0.1, 1, points.shape[:2])
            file = io.BytesIO()
            np.save(file, points)
            archive.writestr(f"{name(number)}.npy", file.getvalue())
    labels = "".join(f"{name(number)},{LABELS[number % len(LABELS)]}\n" for number in range(clips))
    (folder / "1").write_text("name,label\n" + labels)
    split = "".join(f"{name(number)},{'test' if number % 5 == 0 else 'train'}\n" for number in range(clips))
    (folder / "2").write_text("name,split\n" + split)
    inputs = Inputs(
        keypoints=(InputFile("clips.zip", folder / "0"),),
        labels=(InputFile("labels.csv", folder / "1"),),
        split=(InputFile("split.csv", folder / "2"),),
    )
    return BuildRequest(inputs, AnnotationOptions(img_shape=(512, 512)), False, 0.0)


def name(number: int) -> str:
    return f"clip_{number:06d}"
