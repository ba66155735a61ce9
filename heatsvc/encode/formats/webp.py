"""image/webp: a lossless animation."""

from __future__ import annotations

from typing import ClassVar

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.picture import PictureFormat, PictureWriter
from heatsvc.encode.formats.video import VideoWriter
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.picture import Picture


class Webp(PictureFormat):
    """An animation."""

    media_type: ClassVar[str] = "image/webp"
    title: ClassVar[str] = "A lossless animation, smaller than a GIF."
    bytes_per_pixel: ClassVar[int] = 40

    def picture_writer(self, planned: PlannedVolume, picture: Picture, coding: Coding, bounds: Bounds) -> PictureWriter:
        """Frames through libwebp."""
        return _WebpWriter(planned, picture, coding, bounds, self.bytes_per_pixel)


class _WebpWriter(VideoWriter):
    container_format: ClassVar[str] = "webp"
    codec: ClassVar[str] = "libwebp_anim"
    pixel_format: ClassVar[str] = "bgra"
    codec_options: ClassVar[dict[str, str]] = {"lossless": "1", "compression_level": "1", "quality": "20"}

    @property
    def container_options(self) -> dict[str, str]:
        """Options that repeat the animation for ever."""
        return {"loop": "0"}
