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
        """Its name in a legend: ``left hand``, ``body``, ``body, left``."""
        if self.part == "hand":
            return f"{self.side} {self.part}".strip()
        return f"{self.part}, {self.side}" if self.side else self.part

    @property
    def color(self) -> Color:
        """Its color: the hue of the part, left lighter than right."""
        return _COLORS[self.part][_SIDES.index(self.side)]

    @property
    def mirrored(self) -> BodyPart:
        """The part on the other side."""
        return BodyPart(self.part, {"left": "right", "right": "left"}.get(self.side, ""))


_SIDES = ("left", "", "right")
# Left, midline, right. The hues (blue, pink, green for the left hand and orange for the right one) are those that
# Okabe and Ito (2008) chose so that color-blind eyes distinguish them; left and right differ by 25 of L* or more.
_COLORS: dict[str, tuple[Color, Color, Color]] = {
    "body": ((140, 210, 255), (86, 165, 233), (38, 112, 190)),
    "face": ((250, 205, 230), (214, 150, 190), (170, 84, 140)),
    "hand": ((110, 235, 180), (200, 200, 90), (213, 104, 20)),
}
_FACE = ("face", "nose", "eye", "ear", "mouth", "pupil")
_HAND = ("hand_", "palm", "thumb_tip")


def body_part(point: str) -> BodyPart:
    """The part that a keypoint belongs to, by its name: ``left_hand_4`` is of the left hand."""
    side, _, rest = point.partition("_")
    if side not in ("left", "right"):
        side, rest = "", point
    if rest.startswith(_HAND):
        return BodyPart("hand", side)
    # Not `rest.startswith`: MediaPipe's `left_eye_inner`, but no part of a longer word.
    return BodyPart("face" if rest.split("_")[0] in _FACE else "body", side)


def channel_parts(points: Sequence[str], count: int, limbs: Sequence[tuple[int, int]], with_kp: bool) -> list[BodyPart]:
    """The part of each channel: keypoints, then limbs, which belong where they lead to.

    Args:
        points: names of the keypoints; () where they have none, and all are of the body.
        count: of the keypoints.
        limbs: pairs of indices of keypoints.
        with_kp: whether keypoints have channels.
    """
    parts = [body_part(point) for point in points] or [BodyPart("body", "")] * count
    return [*(parts if with_kp else ()), *(limb_part(parts[a], parts[b]) for a, b in limbs)]


def limb_part(first: BodyPart, second: BodyPart) -> BodyPart:
    """The part of a limb between two: one with a side, and rather a hand or the face than the body."""
    return max(first, second, key=lambda each: (bool(each.side), each.part != "body"))


def legend_order(parts: Sequence[BodyPart]) -> list[BodyPart]:
    """Each of the parts once, in the order of the legend: body, face, hands; left, midline, right."""
    known = list(_COLORS)
    return sorted(set(parts), key=lambda each: (known.index(each.part), _SIDES.index(each.side)))


@lru_cache(maxsize=8)
def color_table(name: ColorMap) -> UInt8:
    """A perceptual color map, uint8 [256, 3]: the color of each value * 255."""
    from cmap import Colormap

    table: UInt8 = np.rint(Colormap(name).lut(256)[:, :3] * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def shades(colors: Sequence[Color], levels: int = 256) -> UInt8:
    """Each color from black to itself, uint8 [colors, levels, 3]."""
    share = np.linspace(0, 1, levels)[:, None]
    return np.rint(np.array(colors)[:, None, :] * share).astype(np.uint8)
