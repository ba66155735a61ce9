"""PoseConv3D's config for MMAction2 1.x, which mmengine reads. It stands alone: no file of MMAction2 is its base."""

from __future__ import annotations

from heatsvc.annotation.configs.template import render
from heatsvc.annotation.facts import DatasetFacts

_PACK = ({"type": "PackActionInputs"},)


def mmaction2(facts: DatasetFacts, pickle_name: str, *, limbs: bool) -> str:
    """The config as Python text.

    Args:
        facts: the dataset.
        pickle_name: the annotation pickle's file name.
        limbs: heatmaps of limbs, not of keypoints.

    Raises:
        AnnotationError: limbs of points of which nobody knows how they are joined.
    """
    # PYSKL's datasets say that they are in test mode, MMAction2's leave it to the step.
    return render("mmaction2.py.jinja", facts, pickle_name, limbs=limbs, pack=_PACK, sampling={"test_mode": True})
