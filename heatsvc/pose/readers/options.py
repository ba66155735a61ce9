"""ReadOptions: what a file of keypoints may not carry itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.layouts import Layout, get_layout


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the sender says about a file.

    Attributes:
        img_shape: (height, width) in pixels, for files that carry none. A value in the file (`.npz`, `.pose`, COCO, an
            annotation pickle) wins: its coordinates were measured in that frame.
        layout: what the points are, by name; wins over the file's own word and over the number of points.
        frame_dirs: which clips of an annotation pickle, in this order; None for all, in the file's order.
        bounds: how large a file may be, unpacked.
        token: asked now and then while a file is read; what it raises passes through.
    """

    img_shape: Sequence[int] | None = None
    layout: str | None = None
    frame_dirs: Sequence[str] | None = None
    bounds: Bounds = DEFAULT_BOUNDS
    token: CancelToken = NEVER_CANCELLED

    def layout_of(self, points: int) -> Layout | None:
        """The layout asked for, where V is `points`; None where none was.

        Raises:
            LayoutError: there is none of that name.
        """
        return get_layout(self.layout, points) if self.layout else None


NO_OPTIONS = ReadOptions()
