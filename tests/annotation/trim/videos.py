"""Small videos for tests."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from heatsvc.annotation.inputs import InputFile

CODECS = {".avi": "mpeg4", ".MOV": "mpeg4", ".mp4": "mpeg4", ".MTS": "mpeg2video", ".mkv": "mpeg4"}
FORMATS = {".avi": "avi", ".MOV": "mov", ".mp4": "mp4", ".MTS": "mpegts", ".mkv": "matroska"}


def write_video(path: Path, frames: int, form: str | None = None, b_frames: int = 0) -> InputFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    form = form or path.suffix
    with av.open(str(path), "w", format=FORMATS[form]) as out:
        stream = out.add_stream(CODECS[form], rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.max_b_frames = b_frames
        for number in range(frames):
            picture = np.full((48, 64, 3), number * 3 % 256, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return InputFile(path.name, path)
