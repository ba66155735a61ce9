"""Draws docs/images/fire.png: frames of a real clip as heatsvc's own heatmaps. Run it from anywhere."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from heatsvc.pipeline import parse_pipeline
from heatsvc.pose import LAYOUTS, PoseClip
from heatsvc.pose.readers import ReadOptions, read
from heatsvc.pose.select import select_points
from heatsvc.render.array import render_array
from heatsvc.volume import Reduce

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend is selected

FOLDER = Path(__file__).parent
CLIP = FOLDER.parent / "tests" / "data" / "poses" / "ase_FIRE_wholebody133.npy"
# A frame in the middle of each letter's hold.
FRAMES = {"F": 12, "I": 36, "R": 60, "E": 84}
SIDE = 128
PARTS = {"body": (0, 7, "Blues"), "left hand": (7, 17, "Greens"), "right hand": (17, 27, "Oranges")}
DARK = "#14161a"


def main() -> None:
    """Draw the picture: a row of keypoints, one of limbs, one of the keypoint with the largest value in each pixel."""
    clip = read(CLIP.read_bytes(), filename=CLIP.name, options=ReadOptions(img_shape=(1080, 1920)))[0]
    clip = select_points(clip, "sign27")
    colours = _colours(len(LAYOUTS["sign27"].points))
    rows = {
        "keypoints, max": mpl.colormaps["inferno"](_maps(clip, "max")),
        "limbs, max": mpl.colormaps["inferno"](_maps(clip, "max", limbs=True)),
        "keypoints, argmax": colours[_maps(clip, "argmax")],
    }
    figure, axes = plt.subplots(len(rows), len(FRAMES), figsize=(8, 6.3), facecolor=DARK)
    for row, (title, pictures) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(title, color="white", fontsize=10)
        for axis, frame in zip(row, FRAMES.values(), strict=True):
            axis.imshow(pictures[frame], interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_color("#3a3f47")
    for axis, (letter, frame) in zip(axes[0], FRAMES.items(), strict=True):
        axis.set_title(f"{letter}, frame {frame}", color="white", fontsize=10)
    figure.subplots_adjust(left=0.035, right=0.995, top=0.955, bottom=0.005, wspace=0.03, hspace=0.03)
    figure.savefig(FOLDER / "images" / "fire.png", dpi=110, facecolor=DARK, metadata={"Software": None})


def _maps(clip: PoseClip, reduce: Reduce, *, limbs: bool = False) -> npt.NDArray[np.generic]:
    """[T, H, W] of the preset `view`'s steps, on a map of twice the side with twice the sigma."""
    steps = [
        {"type": "PoseDecode"},
        {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True},
        {"type": "Resize", "scale": [-1, SIDE]},
        {"type": "CenterCrop", "crop_size": SIDE},
        {"type": "GeneratePoseTarget", "sigma": 1.2, "with_kp": not limbs, "with_limb": limbs},
    ]
    return render_array(parse_pipeline(steps, reduce=reduce).run(clip), "int16" if reduce == "argmax" else "float32")


def _colours(channels: int) -> npt.NDArray[np.float64]:
    """A color for each channel, similar ones for each part of the body; the last, for -1, is the background."""
    colours = np.zeros((channels + 1, 3))
    for first, last, name in PARTS.values():
        colours[first:last] = mpl.colormaps[name](np.linspace(0.35, 0.85, last - first))[:, :3]
    colours[-1] = mpl.colors.to_rgb(DARK)
    return colours


if __name__ == "__main__":
    main()
