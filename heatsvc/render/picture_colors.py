"""Colors of pictures: color maps, and a hue for each part of the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatsvc.render.picture_options import ColorMap

UInt8 = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

BACKGROUND: Color = (0, 0, 0)
TEXT: Color = (232, 232, 232)


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A part of the body: `side` is left, right, or "" for the midline."""

    part: str
    side: str

    @property
    def title(self) -> str:
        """The name in a legend: ``left hand``, ``body``, ``body, left``."""
        if self.part == "hand":
            return f"{self.side} {self.part}".strip()
        return f"{self.part}, {self.side}" if self.side else self.part

    @property
    def color(self) -> Color:
        """The color: the hue of the part; left is lighter than right."""
        return _COLORS[self.part][_SIDES.index(self.side)]

    @property
    def mirrored(self) -> BodyPart:
        """The part on the other side."""
        return BodyPart(self.part, {"left": "right", "right": "left"}.get(self.side, ""))


_SIDES = ("left", "", "right")
# Left, midline, right. The hues (blue, pink, green for the left hand and orange for the right one) are from Okabe and
# Ito (2008), who chose them for color-blind readers; left and right differ by at least 25 in L*.
_COLORS: dict[str, tuple[Color, Color, Color]] = {
    "body": ((140, 210, 255), (86, 165, 233), (38, 112, 190)),
    "face": ((250, 205, 230), (214, 150, 190), (170, 84, 140)),
    "hand": ((110, 235, 180), (200, 200, 90), (213, 104, 20)),
}
_FACE = ("face", "nose", "eye", "ear", "mouth", "pupil")
_HAND = ("hand_", "palm", "thumb_tip")


def body_part(point: str) -> BodyPart:
    """The part to which a keypoint belongs, by its name: ``left_hand_4`` belongs to the left hand."""
    side, _, rest = point.partition("_")
    if side not in ("left", "right"):
        side, rest = "", point
    if rest.startswith(_HAND):
        return BodyPart("hand", side)
    # Whole words are compared: `left_eye_inner` is an eye's, but `eyebrow` is not.
    return BodyPart("face" if rest.split("_")[0] in _FACE else "body", side)


def channel_parts(points: Sequence[str], count: int, limbs: Sequence[tuple[int, int]], with_kp: bool) -> list[BodyPart]:
    """The part of each channel: keypoints, then limbs.

    Args:
        points: names of the keypoints; () if they have none: then all belong to the body.
        count: number of keypoints.
        limbs: pairs of indices of keypoints.
        with_kp: whether keypoints have channels.
    """
    parts = [body_part(point) for point in points] or [BodyPart("body", "")] * count
    return [*(parts if with_kp else ()), *(limb_part(parts[a], parts[b]) for a, b in limbs)]


def limb_part(first: BodyPart, second: BodyPart) -> BodyPart:
    """The part of a limb between two parts: preferably one with a side, and a hand or the face before the body."""
    return max(first, second, key=lambda each: (bool(each.side), each.part != "body"))


def legend_order(parts: Sequence[BodyPart]) -> list[BodyPart]:
    """The parts without duplicates, in the order of the legend: body, face, hands; left, midline, right."""
    known = list(_COLORS)
    return sorted(set(parts), key=lambda each: (known.index(each.part), _SIDES.index(each.side)))


@lru_cache(maxsize=8)
def color_table(name: ColorMap) -> UInt8:
    """A perceptually uniform color map, uint8 [256, 3]: the color of each value * 255."""
    from cmap import Colormap

    table: UInt8 = np.rint(Colormap(name).lut(256)[:, :3] * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def shades(colors: Sequence[Color], levels: int = 256) -> UInt8:
    """The shades of each color, from black to the color, uint8 [colors, levels, 3]."""
    share = np.linspace(0, 1, levels)[:, None]
    return np.rint(np.array(colors)[:, None, :] * share).astype(np.uint8)
