"""PoseError and its subclasses: errors about keypoints and keypoint files."""

from __future__ import annotations

from heatsvc.errors import InputError


class PoseError(InputError):
    """Keypoints or a keypoint file cannot be read."""


class NoKeypointsError(PoseError):
    """A valid file has no keypoints: no persons, no frames, or a pickled None."""


class CutShortError(PoseError):
    """A file is truncated: it is shorter than its header says."""


class InfiniteError(PoseError):
    """A coordinate or score is infinite."""
