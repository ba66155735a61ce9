"""FrameRange: the frames of a video that a label describes, such as WLASL's `frame_start` and `frame_end`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from heatsvc.annotation.labels.rows import parse_whole_number

FrameRangeMode = Literal["report", "apply", "ignore"]
"""What to do with a video that is not cut to the range: report it, cut it, or neither."""

FIRST, LAST = "frame_start", "frame_end"
"""The columns. Frames count from 1, and the last one is included; -1 is the end of the video."""

_MAX_FRAME = 10**9
# Tools that cut videos differ by up to one frame.
_CUT_WITHIN = 1


class FrameRange(NamedTuple):
    """Frames of a video.

    Attributes:
        first: first frame, counted from 1.
        last: last frame, inclusive; None for the end of the video.
    """

    first: int
    last: int | None

    @classmethod
    def of(cls, columns: Mapping[str, str]) -> FrameRange | None:
        """The range in a row's columns; None if there is none, or if it is the whole video."""
        first, last = parse_whole_number(columns.get(FIRST, "")), parse_whole_number(columns.get(LAST, ""))
        start = max(1, first or 1)
        end = last if last is not None and last > 0 else None
        if start > _MAX_FRAME or (end is not None and not start <= end <= _MAX_FRAME) or (start == 1 and end is None):
            return None
        return cls(start, end)

    def within(self, frames: int) -> slice | None:
        """The range as indices of a clip of `frames` frames; None if the clip ends before it."""
        if (self.last or self.first) > frames:
            return None
        return slice(self.first - 1, self.last)

    def is_length_of(self, frames: int) -> bool:
        """Whether a clip of `frames` frames has already been cut to the range."""
        return self.last is not None and abs(self.last - self.first + 1 - frames) <= _CUT_WITHIN

    def __str__(self) -> str:
        return f"{self.first:,} to {'the end' if self.last is None else f'{self.last:,}'}"
