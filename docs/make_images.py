"""Makes the pictures in docs/images from clips of the tests. `make pictures` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import heatsvc

FOLDER = Path(__file__).parent / "images"
DATA = FOLDER.parents[1] / "tests" / "data"
CLIP = DATA / "poses" / "ase_FIRE_wholebody133.npy"
KETI = DATA / "keti-mini" / "Keypoints-MMPOSE" / "KETI_SL_0000000001.avi.npy"
SIDE = 96
JOINT = {"mode": "joint", "skeleton": True}
# The option `picture` of each file, and whether it shows limbs.
PICTURES: dict[str, tuple[dict[str, Any], bool]] = {
    # README.md
    "fire.gif": ({**JOINT, "scale": 3}, False),
    "fire-max.gif": ({"scale": 3}, False),
    # docs/guides/pictures.md
    "max.png": ({"frame": 12, "scale": 3, "legend": True}, False),
    "limbs.png": ({"frame": 12, "scale": 3}, True),
    "joint.png": ({**JOINT, "frame": 12, "scale": 3, "legend": True, "caption": "FIRE, frame 12"}, False),
    "channel.png": ({"mode": "channel", "channel": "right_hand_8", "frame": 12, "scale": 3, "skeleton": True}, False),
    "sheet.png": ({**JOINT, "frames": 8, "columns": 4, "scale": 2, "legend": True}, False),
    "fire.webp": ({"scale": 3, "colormap": "viridis"}, False),
    "fire.mp4": ({**JOINT, "scale": 4, "legend": True}, False),
}


def main() -> None:
    """Write all pictures."""
    for name, (picture, limbs) in PICTURES.items():
        made = heatsvc.draw(
            CLIP,
            steps(limbs=limbs),
            img_shape=(1080, 1920),
            select="sign27",
            format=Path(name).suffix[1:],
            picture=picture,
        )
        (FOLDER / name).write_bytes(made)
    # docs/tutorial.md makes this picture with the same options.
    made = heatsvc.draw(KETI, img_shape=(1080, 1920), select="sign27", format="gif", picture={**JOINT, "scale": 4})
    (FOLDER / "keti.gif").write_bytes(made)


def steps(*, limbs: bool) -> list[dict[str, Any]]:
    """The steps of the preset `view`, with a map and a sigma that are one and a half times as large."""
    return [
        {"type": "PoseDecode"},
        {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True},
        {"type": "Resize", "scale": [-1, SIDE]},
        {"type": "CenterCrop", "crop_size": SIDE},
        {"type": "GeneratePoseTarget", "sigma": 0.9, "with_kp": not limbs, "with_limb": limbs},
    ]


if __name__ == "__main__":
    main()
