"""image/png: one frame, or a contact sheet of several."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.picture import PictureFormat, PictureWriter
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.picture import Picture
from heatsvc.render.picture_colors import UInt8


class Png(PictureFormat):
    """One frame, or a contact sheet."""

    media_type: ClassVar[str] = "image/png"
    title: ClassVar[str] = "One frame, or a contact sheet."
    is_sheet: ClassVar[bool] = True
    has_metadata: ClassVar[bool] = True
    bytes_per_pixel: ClassVar[int] = 12

    def picture_writer(self, planned: PlannedVolume, picture: Picture, coding: Coding, bounds: Bounds) -> PictureWriter:
        """All frames in one image, which Pillow writes."""
        return _PngWriter(planned, picture, coding, bounds, self.bytes_per_pixel)


class _PngWriter(PictureWriter):
    _count = 0

    def add_frame(self, frame: UInt8) -> None:
        """Draw the next frame into its cell, with its number if there is room."""
        row, column = divmod(self._count, self.picture.columns)
        height, width = frame.shape[:2]
        cell = self.canvas[row * height : (row + 1) * height, column * width : (column + 1) * width]
        cell[:] = frame
        if len(self.picture.numbers) > 1:
            label = _label(self.picture.numbers[self._count])
            if 2 * label.shape[0] <= height and 2 * label.shape[1] <= width:
                corner = cell[: label.shape[0], : label.shape[1]]
                corner[:] = np.maximum(corner, label[:, :, None])
        self._count += 1

    def finish_file(self) -> None:
        """Compress the image."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        texts = PngInfo()
        for name, text in self.metadata.items():
            texts.add_text(name, text)
        Image.fromarray(self.canvas).save(self.file, "PNG", compress_level=6, pnginfo=texts)


@lru_cache(maxsize=1024)
def _label(number: int) -> UInt8:
    """A frame's number in gray, uint8 [h, w]."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(10)
    image = Image.new("L", (int(font.getlength(str(number))) + 4, 14))
    ImageDraw.Draw(image).text((2, 11), str(number), fill=170, font=font, anchor="ls")
    return np.array(image)
