"""PoseConv3D's config for PYSKL, which mmcv 1.x reads."""

from __future__ import annotations

from heatsvc.annotation.configs.template import render
from heatsvc.annotation.facts import DatasetFacts

_PACK = (
    {"type": "Collect", "keys": ["imgs", "label"], "meta_keys": []},
    {"type": "ToTensor", "keys": ["imgs", "label"]},
)


def pyskl(facts: DatasetFacts, pickle_name: str, *, limbs: bool) -> str:
    """The config as Python text.

    Args:
        facts: the dataset.
        pickle_name: the annotation pickle's file name.
        limbs: heatmaps of limbs, not of keypoints.

    Raises:
        AnnotationError: limbs of points of which nobody knows how they are joined.
    """
    return render("pyskl.py.jinja", facts, pickle_name, limbs=limbs, pack=_PACK)
