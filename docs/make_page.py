"""Writes the data files of the page: its sample clip and its color map."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "heatsvc" / "web" / "static"
CLIP = ROOT / "tests" / "data" / "poses" / "ase_FIRE_wholebody133.npy"


def main() -> None:
    """Write both files."""
    (STATIC / "sample.npz").write_bytes(_sample())
    (STATIC / "inferno.js").write_text(_color_map())


def _sample() -> bytes:
    """The letters F, I, R and E. Coordinates are rounded to pixels and scores to hundredths, to keep the file small."""
    clip = np.load(CLIP)
    content = io.BytesIO()
    np.savez_compressed(
        content,
        keypoint=clip[..., :2].round().astype(np.int16),
        keypoint_score=clip[..., 2].round(2).astype(np.float16),
        img_shape=np.array([1080, 1920]),
        layout=np.array("coco_wholebody"),
        frame_dir=np.array("FIRE"),
    )
    return content.getvalue()


def _color_map() -> str:
    """Matplotlib's inferno as a JavaScript module: 256 colors of three bytes."""
    colors = (mpl.colormaps["inferno"](np.arange(256), bytes=True)[:, :3]).astype(np.uint8).tobytes()
    text = base64.b64encode(colors).decode()
    return f'// inferno, 256 colors of red, green and blue, written by docs/make_page.py\nexport default\n  "{text}";\n'


if __name__ == "__main__":
    main()
