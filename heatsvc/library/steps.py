"""Steps: the forms that a pipeline may be given in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from heatsvc.pipeline import Pipeline, parse_pipeline
from heatsvc.volume import Reduce

Steps = str | Sequence[Mapping[str, Any]] | Pipeline
"""A preset's name, steps as in a PYSKL or MMAction2 config, or a `Pipeline`."""


def as_pipeline(steps: Steps, reduce: Reduce = "none") -> Pipeline:
    """The pipeline; tuples in its steps are taken as lists, as Python configs have them.

    Args:
        steps: in any of the forms.
        reduce: what becomes of the channels; a `Pipeline` keeps its own where this is ``none``.

    Raises:
        PipelineError: steps that do not exist or do not fit; `field` is ``pipeline[2].scale``.
    """
    if isinstance(steps, Pipeline):
        return steps if reduce == "none" else replace(steps, reduce=reduce)
    if isinstance(steps, str):
        return _preset(steps, reduce)
    listed = [_plain(step) for step in steps] if isinstance(steps, Sequence) else steps
    return parse_pipeline(listed, reduce=reduce)


@lru_cache(maxsize=64)
def _preset(name: str, reduce: Reduce) -> Pipeline:
    return parse_pipeline(name, reduce=reduce)


def _plain(step: Any) -> Any:
    """A step as a dict: configs of mmengine have classes of their own."""
    return dict(step) if isinstance(step, Mapping) else step
