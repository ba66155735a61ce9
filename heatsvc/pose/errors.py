"""Errors of keypoints and of files of keypoints."""

from __future__ import annotations

from heatsvc.errors import InputError


class PoseError(InputError):
    """Keypoints, or a file of keypoints, that cannot be read."""


class NoKeypointsError(PoseError):
    """A valid file without keypoints: no persons, no frames, a pickled None."""


class CutShortError(PoseError):
    """A file that is shorter than its header says."""


class InfiniteError(PoseError):
    """Coordinates or scores that are infinite."""
