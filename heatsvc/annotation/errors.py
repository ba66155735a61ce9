"""What is wrong with a dataset."""

from __future__ import annotations

from heatsvc.errors import InputError


class AnnotationError(InputError):
    """Labels, a split, frame counts or options that do not fit together, or that cannot be read."""
