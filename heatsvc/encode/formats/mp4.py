"""video/mp4: H.264 in 4:2:0, which all browsers play."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.picture import PictureFormat, PictureWriter
from heatsvc.encode.formats.video import VideoWriter, with_even_sides
from heatsvc.encode.job import PlannedVolume
from heatsvc.errors import InputError
from heatsvc.render.picture import Picture
from heatsvc.render.picture_colors import UInt8

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Mp4(PictureFormat):
    """A video."""

    media_type: ClassVar[str] = "video/mp4"
    title: ClassVar[str] = "A video, H.264."
    bytes_per_pixel: ClassVar[int] = 40

    def is_available(self) -> bool:
        """Whether the installed FFmpeg was built with x264."""
        from av.codec import codecs_available

        return _Mp4Writer.codec in codecs_available

    def picture_writer(self, planned: PlannedVolume, picture: Picture, coding: Coding, bounds: Bounds) -> PictureWriter:
        """Frames through x264.

        Raises:
            InputError: the installed FFmpeg was built without x264.
        """
        if not self.is_available():
            raise InputError("the installed FFmpeg has no encoder for H.264: choose webp or gif", field="format")
        return _Mp4Writer(planned, picture, coding, bounds, self.bytes_per_pixel)


class _Mp4Writer(VideoWriter):
    container_format: ClassVar[str] = "mp4"
    codec: ClassVar[str] = "libx264"
    pixel_format: ClassVar[str] = "yuv420p"
    # Without B-frames, so that few frames are kept; crf 18 is considered visually lossless.
    codec_options: ClassVar[dict[str, str]] = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "crf": "18",
        "x264-params": "ref=1:colorprim=bt709:transfer=bt709:colormatrix=bt709",
    }

    @property
    def container_options(self) -> dict[str, str]:
        """Options that put the index before the frames, so that a player can start before it has the whole file."""
        return {"moov_size": str(4096 + 64 * len(self.picture.numbers))}

    def make_frame(self, image: UInt8) -> VideoFrame:
        """Make a frame with even sides, in the color matrix of HD video, as the codec's options say."""
        from av.video.frame import VideoFrame

        frame = VideoFrame.from_ndarray(with_even_sides(image), format="rgb24")
        return frame.reformat(format=self.pixel_format, dst_colorspace="itu709")
