"""image/gif: an animation of at most 256 colors."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.picture import PictureFormat, PictureWriter
from heatsvc.encode.formats.video import VideoWriter
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.picture import Picture
from heatsvc.render.picture_colors import UInt8

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image


class Gif(PictureFormat):
    """An animation for software that shows no other format."""

    media_type: ClassVar[str] = "image/gif"
    title: ClassVar[str] = "An animation of at most 256 colors."
    bytes_per_pixel: ClassVar[int] = 20

    def picture_writer(self, planned: PlannedVolume, picture: Picture, coding: Coding, bounds: Bounds) -> PictureWriter:
        """Frames through FFmpeg's own encoder, which writes what changes from one to the next."""
        return _GifWriter(planned, picture, coding, bounds, self.bytes_per_pixel)


class _GifWriter(VideoWriter):
    container_format: ClassVar[str] = "gif"
    codec: ClassVar[str] = "gif"
    pixel_format: ClassVar[str] = "pal8"
    max_fps: ClassVar[float] = 50.0  # browsers slow down faster animations

    @property
    def container_options(self) -> dict[str, str]:
        """Options that repeat the animation for ever."""
        return {"loop": "0"}

    @cached_property
    def _palette(self) -> tuple[Image, UInt8]:
        """The colors in the form of Pillow, and in that of FFmpeg: alpha, red, green, blue."""
        from PIL import Image

        colors = self.picture.palette
        table = np.full((256, 4), 255, np.uint8)
        table[:, 1:] = colors[0]
        table[: len(colors), 1:] = colors
        image = Image.new("P", (1, 1))
        image.putpalette(table[:, 1:].tobytes())
        return image, table

    def make_frame(self, image: UInt8) -> VideoFrame:
        """Make a frame whose pixels are the indices of the nearest colors."""
        from av.video.frame import VideoFrame
        from PIL import Image

        palette, table = self._palette
        indices = Image.fromarray(image).quantize(palette=palette, dither=Image.Dither.NONE)
        return VideoFrame.from_ndarray((np.asarray(indices), table), format="pal8")  # type: ignore[arg-type]
