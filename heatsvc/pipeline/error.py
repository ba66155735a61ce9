"""PipelineError: a list of steps that cannot be run, or not on this clip."""

from __future__ import annotations

from heatsvc.errors import InputError


class PipelineError(InputError):
    """A pipeline that is none, or one that a clip cannot go through.

    `field` tells the step by its position and the parameter: ``pipeline[2].scale``.
    """
