"""Form: a media type, and how drawings become a body of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from heatsvc.bounds import Bounds
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Coding
from heatsvc.encode.crew import Crew
from heatsvc.encode.drawing import Drawing


class Form(Protocol):
    """A way to write drawings down."""

    media_type: ClassVar[str]
    title: ClassVar[str]
    many: ClassVar[bool]
    """Whether one body can hold more than one drawing."""
    compressed: ClassVar[bool]
    """Whether the form compresses: its body then needs no content coding."""

    def write(self, drawings: Sequence[Drawing], coding: Coding, crew: Crew, bounds: Bounds) -> Body:
        """The body. Sizes are checked before anything is drawn.

        Raises:
            LimitError: larger than `bounds` allow.
        """
