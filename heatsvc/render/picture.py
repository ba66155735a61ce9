"""Picture: a volume as RGB frames, each rendered on demand; and the layout of frames, caption and legend."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.render.array import render_array
from heatsvc.render.captions import Strip
from heatsvc.render.cpu import DType
from heatsvc.render.picture_colors import (
    BodyPart,
    Color,
    UInt8,
    channel_parts,
    color_table,
    legend_order,
    shades,
)
from heatsvc.render.picture_options import PictureOptions
from heatsvc.volume import HeatmapVolume

_FRAME_SIDE, _SHEET_SIDE = 512, 2048
# Number of lines that are drawn between two checks of the cancel token.
_LINES_AT_ONCE = 1024
# Pillow accepts larger coordinates, but draws nothing for some of them.
_FAR = 1 << 15


class PictureError(InputError):
    """A picture cannot be rendered."""


@dataclass(frozen=True)
class Picture:
    """The frames of a volume to show, and how to show them.

    Attributes:
        volume: the volume, not a PoTion picture. Its `reduce` and `clips` are ignored.
        options: how to show it.
        numbers: indices of the frames to show, among the T frames of the volume and its T mirrored frames if any.
        scale: pixels of the picture per pixel of a map, in x and in y.
        rows, columns: the grid of a contact sheet; 1 for one frame at a time.
        strip: the caption and the legend below it.
    """

    volume: HeatmapVolume
    options: PictureOptions
    numbers: tuple[int, ...]
    scale: int
    rows: int
    columns: int
    strip: Strip

    @classmethod
    def plan(
        cls, volume: HeatmapVolume, options: PictureOptions, bounds: Bounds, *, sheet: bool = False, font: str = ""
    ) -> Picture:
        """Check the options against a volume, and choose those that are not set.

        Args:
            volume: the volume to show.
            options: how to show it.
            bounds: max_picture_frames and max_picture_pixels.
            sheet: whether all frames are in one image.
            font: path of a font for the caption, see `find_font`.

        Raises:
            PictureError: the volume is a PoTion picture, a channel or frame does not exist, or the skeleton is unknown.
            LimitError: the picture exceeds a bound.
        """
        if volume.potion:
            raise PictureError(
                "a PoTion picture has no frames to show: remove Heatmap2Potion, or request application/x-npy",
                field="pipeline",
            )
        numbers = _frame_numbers(volume.frames * volume.copies, options)
        bounds.check("max_picture_frames", len(numbers), "frames of a picture (`frames` shows fewer)", field="picture")
        columns = min(options.columns or math.ceil(math.sqrt(len(numbers))), len(numbers)) if sheet else 1
        rows = math.ceil(len(numbers) / columns) if sheet else 1
        scale = options.scale or _scale(volume.height, volume.width, rows, columns, bounds)
        picture = cls(volume, options, numbers, scale, rows, columns, Strip.none())
        if options.mode == "channel":
            picture._channel  # noqa: B018  # raises if there is none
        elif options.channel is not None:
            raise PictureError("`channel` can only be set with the mode `channel`", field="picture.channel")
        if options.skeleton and not picture._skeleton:
            raise PictureError(
                "the skeleton cannot be drawn, since the layout is unknown or has no limbs: set `layout`, or limbs in "
                "the pipeline",
                field="picture.skeleton",
            )
        height, width = picture.frame_shape
        # Checked before any text is measured, and again with the strip, whose height depends on the texts.
        what = "pixels of a picture"
        bounds.check("max_picture_pixels", rows * height * columns * width, what, field="picture.scale")
        strip = Strip.plan(
            columns * width,
            caption=options.caption or "",
            colors=picture._legend if options.legend else (),
            table=color_table(options.colormap) if options.legend and options.mode != "joint" else None,
            font=font,
        )
        bounds.check(
            "max_picture_pixels", (rows * height + strip.height) * columns * width, what, field="picture.caption"
        )
        return replace(picture, strip=strip)

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.volume.height * self.scale, self.volume.width * self.scale

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image: a frame or a contact sheet, with the strip below it."""
        height, width = self.frame_shape
        return self.rows * height + self.strip.height, self.columns * width

    @property
    def reduced(self) -> HeatmapVolume:
        """The volume whose maps are the maps of the frames, for estimating the work."""
        return replace(self.volume, reduce="max", clips=0)

    def frame(self, index: int, token: CancelToken = NEVER_CANCELLED) -> UInt8:
        """A frame as RGB, uint8 [H x scale, W x scale, 3].

        Args:
            index: an index in `numbers`.
            token: checked while a skeleton is drawn.
        """
        number = self.numbers[index]
        time, is_mirrored = number % self.volume.frames, number >= self.volume.frames
        match self.options.mode:
            case "max":
                colors = color_table(self.options.colormap)[self._render(time, is_mirrored, "max")]
            case "channel":
                colors = color_table(self.options.colormap)[self._render_channel(time, is_mirrored)]
            case "joint":
                values = self._render(time, is_mirrored, "max")
                # -1, for pixels where all channels are zero, indexes the last channel, whose shade 0 is black too.
                channels = self._render(time, is_mirrored, "argmax")
                if is_mirrored and len(self.volume.mirror):
                    channels = np.argsort(self.volume.mirror)[channels]
                colors = self._shades[self._shade_of_channel[channels], values]
        # Columns first, so that whole rows are copied, which takes a fifth of the time.
        image = np.repeat(np.repeat(colors, self.scale, axis=1), self.scale, axis=0)
        return self._draw_skeleton(image, time, is_mirrored, token) if self.options.skeleton else image

    @property
    def palette(self) -> UInt8:
        """At most 256 colors, uint8 [N, 3], for all frames and the strip; others are replaced by the nearest."""
        extra = [part.color for part in legend_order(self._limb_parts)] if self.options.skeleton else []
        if self.strip.height:
            extra += [*(color for _, color in self._legend), *((level,) * 3 for level in range(0, 256, 32))]
        if self.options.mode == "joint":
            levels = (256 - len(extra)) // len(self._shades)
            main = shades(self._joint_colors, levels).reshape(-1, 3)
        else:
            count = 256 - len(extra)
            main = color_table(self.options.colormap)[np.linspace(0, 255, count).round().astype(int)]
        return np.concatenate([main, np.array(extra, np.uint8).reshape(-1, 3)])

    def _one_frame(self, time: int, points: Sequence[int] | None = None) -> HeatmapVolume:
        """The volume of a frame of the clip, with all or some of its keypoints."""
        chosen = slice(None) if points is None else list(points)
        keypoint: npt.NDArray[Any] = self.volume.keypoint[:, time : time + 1, chosen]
        score = self.volume.keypoint_score[:, time : time + 1, chosen]
        return replace(
            self.volume,
            keypoint=np.ascontiguousarray(keypoint),
            keypoint_score=np.ascontiguousarray(score),
            double=False,
            clips=0,
        )

    def _render(self, time: int, is_mirrored: bool, reduce: Any) -> npt.NDArray[Any]:
        dtype: DType = "int16" if reduce == "argmax" else "uint8"
        pixels: npt.NDArray[Any] = render_array(replace(self._one_frame(time), reduce=reduce), dtype)[0]
        return pixels[:, ::-1] if is_mirrored else pixels

    def _render_channel(self, time: int, is_mirrored: bool) -> UInt8:
        channel = int(self.volume.mirror[self._channel]) if is_mirrored else self._channel
        keypoints = self.volume.channels - len(self.volume.limbs)
        if channel < keypoints:
            volume = replace(self._one_frame(time, (channel,)), limbs=self.volume.limbs[:0], reduce="none")
        else:
            ends = self.volume.limbs[channel - keypoints]
            limbs = np.array([[0, 1]], np.int32)
            volume = replace(self._one_frame(time, ends.tolist()), with_kp=False, limbs=limbs, reduce="none")
        pixels: UInt8 = render_array(volume, "uint8")[0, 0]
        return pixels[:, ::-1] if is_mirrored else pixels

    @cached_property
    def _channel(self) -> int:
        """The index of the channel that the options name."""
        chosen, names = self.options.channel, self.volume.channel_names
        if isinstance(chosen, str):
            if chosen in names:
                return names.index(chosen)
            if chosen.isdecimal() and len(chosen) < 6:  # an index in a query is text
                chosen = int(chosen)
        if isinstance(chosen, int) and chosen < len(names):
            return chosen
        known = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        close = difflib.get_close_matches(chosen[:100], names, 1) if isinstance(chosen, str) else []
        guess = f"did you mean {close[0]}? It" if close else "it"
        given = "is required" if chosen is None else f"cannot be {chosen!r:.60}"
        raise PictureError(
            f"`channel` {given}: {guess} must be a name ({known:.200}), or an index from 0 to {len(names) - 1}",
            field="picture.channel",
        )

    @cached_property
    def _parts(self) -> list[BodyPart]:
        """The body part of each channel."""
        volume = self.volume
        return channel_parts(volume.points, volume.keypoint.shape[2], volume.limbs.tolist(), volume.with_kp)

    @cached_property
    def _joint_colors(self) -> list[Color]:
        return [part.color for part in legend_order(self._parts)]

    @cached_property
    def _shades(self) -> UInt8:
        return shades(self._joint_colors)

    @cached_property
    def _shade_of_channel(self) -> npt.NDArray[np.int64]:
        order = legend_order(self._parts)
        return np.array([order.index(part) for part in self._parts])

    @cached_property
    def _skeleton(self) -> list[tuple[int, int]]:
        """The limbs to draw over a frame."""
        return list(self.volume.skeleton) or [(a, b) for a, b in self.volume.limbs.tolist()]

    @cached_property
    def _limb_parts(self) -> list[BodyPart]:
        """Of each limb of the skeleton."""
        return channel_parts(self.volume.points, self.volume.keypoint.shape[2], self._skeleton, with_kp=False)

    @cached_property
    def _legend(self) -> tuple[tuple[str, Color], ...]:
        parts = [*(self._parts if self.options.mode == "joint" else ())]
        parts += self._limb_parts if self.options.skeleton else ()
        return tuple((part.title, part.color) for part in legend_order(parts))

    def _draw_skeleton(self, image: UInt8, time: int, is_mirrored: bool, token: CancelToken) -> UInt8:
        """Draw a line for each limb whose ends are detected."""
        from PIL import Image, ImageDraw

        volume, gaussian = self.volume, self.volume.gaussian
        x = (volume.keypoint[:, time, :, 0] - gaussian.offset) / gaussian.stride
        y = (volume.keypoint[:, time, :, 1] - gaussian.offset) / gaussian.stride
        if is_mirrored:
            x = volume.width - 1 - x
        is_there = np.isfinite(x) & np.isfinite(y) & (volume.keypoint_score[:, time] >= max(gaussian.eps, 1e-9))
        # The center of a map's pixel is the center of its square in the picture.
        places = np.stack([x, y], axis=-1).astype(np.float64) * self.scale + (self.scale - 1) / 2
        places = np.clip(np.where(is_there[..., None], places, 0), -_FAR, _FAR)
        canvas = Image.fromarray(image)
        draw = ImageDraw.Draw(canvas)
        width = max(1, round(self.scale / 4))
        colors = [(part.mirrored if is_mirrored else part).color for part in self._limb_parts]
        limbs = np.array(self._skeleton)
        drawn = 0
        for person in range(places.shape[0]):
            for limb in np.flatnonzero(is_there[person][limbs].all(axis=1)).tolist():
                if drawn % _LINES_AT_ONCE == 0:
                    token.raise_if_cancelled()
                drawn += 1
                (ax, ay), (bx, by) = places[person][limbs[limb]].tolist()
                draw.line((ax, ay, bx, by), fill=colors[limb], width=width)
        return np.asarray(canvas)


def _frame_numbers(count: int, options: PictureOptions) -> tuple[int, ...]:
    if options.frame is not None:
        if options.frames is not None:
            raise PictureError("set `frame` or `frames`, not both", field="picture.frame")
        if options.frame >= count:
            raise PictureError(
                f"frame {options.frame:,} does not exist: the volume has frames 0 to {count - 1:,}",
                field="picture.frame",
            )
        return (options.frame,)
    chosen = min(options.frames or count, count)
    # The middle of each of `frames` equal parts.
    return tuple((2 * index + 1) * count // (2 * chosen) for index in range(chosen))


def _scale(height: int, width: int, rows: int, columns: int, bounds: Bounds) -> int:
    """The largest scale at which a frame, and a contact sheet of frames, fits on a screen."""
    sides = (rows * height, columns * width)
    most = (_SHEET_SIDE // max(sides)) if rows * columns > 1 else _FRAME_SIDE
    most = min(most, _FRAME_SIDE // max(height, width))
    return max(1, min(most, math.isqrt(bounds.max_picture_pixels // (sides[0] * sides[1])), 64))
