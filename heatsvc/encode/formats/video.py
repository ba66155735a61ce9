"""VideoWriter: writes frames with FFmpeg, through PyAV, which is imported when the first frame is written."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from heatsvc.encode.formats.picture import PictureWriter
from heatsvc.render.picture_colors import UInt8

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class VideoWriter(PictureWriter):
    """Writes frames with a codec and a container of FFmpeg, which subclasses specify.

    Each frame is encoded at once, in the thread that adds it, so that only the codec keeps frames in memory.
    """

    container_format: ClassVar[str]
    codec: ClassVar[str]
    codec_options: ClassVar[dict[str, str]] = {}
    pixel_format: ClassVar[str]
    max_fps: ClassVar[float] = 60.0

    _container: OutputContainer | None = None
    _video: VideoStream | None = None

    @property
    def container_options(self) -> dict[str, str]:
        """Options of the container."""
        return {}

    def make_frame(self, image: UInt8) -> VideoFrame:
        """Convert an image, uint8 [H, W, 3], to a frame in `pixel_format`."""
        from av.video.frame import VideoFrame

        return VideoFrame.from_ndarray(image, format="rgb24").reformat(format=self.pixel_format)

    def add_frame(self, frame: UInt8) -> None:
        """Encode the next frame."""
        self.canvas[: frame.shape[0]] = frame
        made = self.make_frame(self.canvas)
        container, stream = self._opened(made)
        container.mux(stream.encode(made))

    def finish_file(self) -> None:
        """Encode the remaining frames of the codec, and write the file's index."""
        if self._container is not None and self._video is not None:
            self._container.mux(self._video.encode(None))
            self._container.close()
        self._container = self._video = None

    def _opened(self, frame: VideoFrame) -> tuple[OutputContainer, VideoStream]:
        if self._container is None or self._video is None:
            import av
            from av.video.stream import VideoStream

            self._container = av.open(self.file, "w", format=self.container_format, options=self.container_options)
            rate = Fraction(min(self.picture.options.fps, self.max_fps)).limit_denominator(1000)
            stream = self._container.add_stream(self.codec, rate=rate, options=self.codec_options)
            assert isinstance(stream, VideoStream)  # noqa: S101  # as the codec is one
            stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, self.pixel_format
            # One thread: responses share the cores frame by frame.
            stream.codec_context.thread_count = 1
            self._video = stream
        return self._container, self._video


def with_even_sides(image: UInt8) -> UInt8:
    """Repeat the last row or column of an image if their number is odd, since 4:2:0 needs even sides."""
    height, width = image.shape[:2]
    if height % 2 == width % 2 == 0:
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
