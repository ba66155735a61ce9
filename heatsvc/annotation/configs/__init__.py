"""Configs: files that a training run is started with. To add one is to add a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from heatsvc.annotation.configs.mmaction2 import mmaction2
from heatsvc.annotation.configs.pyskl import pyskl
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.facts import DatasetFacts

CONFIGS: dict[str, Callable[[DatasetFacts, str], str]] = {
    "pyskl_keypoint.py": partial(pyskl, limbs=False),
    "pyskl_limb.py": partial(pyskl, limbs=True),
    "mmaction2_keypoint.py": partial(mmaction2, limbs=False),
    "mmaction2_limb.py": partial(mmaction2, limbs=True),
}
"""The writer of each, by the artifact's name."""


def config(kind: str, facts: DatasetFacts, pickle_name: str) -> str:
    """A training config as Python text.

    Args:
        kind: which, one of CONFIGS.
        facts: the dataset.
        pickle_name: the annotation pickle's file name, ending in ``.pkl``.

    Raises:
        AnnotationError: limbs of points of which nobody knows how they are joined.
    """
    return CONFIGS[kind](facts, pickle_name)


def configs(facts: DatasetFacts, pickle_name: str) -> dict[str, str]:
    """Every config that can be written for a dataset, by its file name: those for limbs need a layout that has some."""
    written = {}
    for kind in CONFIGS:
        try:
            written[kind] = config(kind, facts, pickle_name)
        except AnnotationError:
            continue
    return written


__all__ = ["CONFIGS", "config", "configs"]
