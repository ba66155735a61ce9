"""Form: a media type, and how drawings become a body of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.layout import Layout


class Form(Protocol):
    """A way to write drawings down."""

    media_type: ClassVar[str]
    title: ClassVar[str]
    many: ClassVar[bool]
    """Whether one body can hold more than one drawing."""
    compressed: ClassVar[bool]
    """Whether the form compresses: its body then needs no content coding."""

    def layout(self, drawings: Sequence[Drawing], coding: Coding, bounds: Bounds) -> Layout:
        """The body, before anything of it is drawn; its size is checked.

        Raises:
            LimitError: larger than `bounds` allow.
        """
