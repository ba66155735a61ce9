"""The training configs that can be written. To add one, add a template and an entry of `CONFIGS`.

The pipelines are those of `pipeline/presets.py`, so that the model is trained on the heatmaps that the service renders
for ``posec3d-train``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from heatsvc.annotation.configs.literals import Variable, literal, step_literal, wrapped_literal
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.statistics import DatasetStatistics, training_presets
from heatsvc.pipeline.presets import PRESETS, StepSpec
from heatsvc.pose.layouts import Layout, mirrored_limbs


@dataclass(frozen=True, slots=True)
class ConfigFormat:
    """A training config.

    Attributes:
        template: a file in templates/.
        pack: the last steps of each pipeline, which pass a clip to the model.
        sampling: additional arguments of UniformSampleFrames in validation and test.
        limbs: whether the heatmaps show limbs instead of keypoints.
    """

    template: str
    pack: Sequence[StepSpec]
    sampling: StepSpec = field(default_factory=dict)
    limbs: bool = False


_PYSKL = ConfigFormat(
    "pyskl.py.jinja",
    pack=(
        {"type": "Collect", "keys": ["imgs", "label"], "meta_keys": []},
        {"type": "ToTensor", "keys": ["imgs", "label"]},
    ),
)
# PYSKL's datasets set the test mode, while MMAction2's leave it to the step.
_MMACTION2 = ConfigFormat("mmaction2.py.jinja", pack=({"type": "PackActionInputs"},), sampling={"test_mode": True})

CONFIGS: dict[str, ConfigFormat] = {
    "pyskl_keypoint.py": _PYSKL,
    "pyskl_limb.py": replace(_PYSKL, limbs=True),
    "mmaction2_keypoint.py": _MMACTION2,
    "mmaction2_limb.py": replace(_MMACTION2, limbs=True),
}
"""Configs by the name of their artifact."""


def config(name: str, dataset: DatasetStatistics, pickle_name: str) -> str:
    """A training config as Python text.

    Args:
        name: one of CONFIGS.
        dataset: the dataset.
        pickle_name: the annotation pickle's file name, ending in ``.pkl``.

    Raises:
        AnnotationError: the config needs limbs, but the layout is unknown or has none.
    """
    chosen = CONFIGS[name]
    limbs, skeleton = chosen.limbs, Skeleton.of(dataset.points, dataset.layout)
    if limbs and not skeleton.skeletons:
        raise AnnotationError(
            "a config for limbs needs a layout with limbs: the layout of these points is unknown or has none"
        )
    pipelines = {}
    presets = training_presets(limbs=limbs)
    for part, preset in zip(("train", "val", "test"), presets, strict=True):
        steps = PRESETS[preset].steps
        sampling = {} if part == "train" else chosen.sampling
        pipelines[part] = [*_steps(steps, skeleton, limbs=limbs, sampling=sampling), *chosen.pack]
    template = _environment().get_template(chosen.template)
    return template.render(
        what="limb" if limbs else "keypoint",
        limbs=limbs,
        pickle_name=pickle_name,
        provenance={**dataset.provenance, "pipeline": ", ".join(presets)},
        channels=len(skeleton.skeletons) if limbs else skeleton.points,
        classes=len(dataset.classes),
        clips=len(dataset.clips),
        layout=dataset.layout.name if dataset.layout else "unknown points",
        skeleton=skeleton,
        splits=_splits(dataset.splits),
        pipelines=pipelines,
    )


def configs(dataset: DatasetStatistics, pickle_name: str) -> dict[str, str]:
    """All configs that can be written for a dataset, by file name; configs for limbs need a layout with limbs."""
    has_limbs = dataset.layout is not None and bool(dataset.layout.limbs)
    names = (name for name, chosen in CONFIGS.items() if has_limbs or not chosen.limbs)
    return {name: config(name, dataset, pickle_name) for name in names}


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The keypoints of a layout, with PYSKL's names.

    Attributes:
        points: V.
        left_kp, right_kp: indices of keypoints that mirroring exchanges.
        skeletons: limbs, as pairs of indices.
        left_limb, right_limb: indices in `skeletons` of limbs that mirroring exchanges.
    """

    points: int
    left_kp: tuple[int, ...] = ()
    right_kp: tuple[int, ...] = ()
    skeletons: tuple[tuple[int, int], ...] = ()
    left_limb: tuple[int, ...] = ()
    right_limb: tuple[int, ...] = ()

    @classmethod
    def of(cls, points: int, layout: Layout | None) -> Skeleton:
        """The skeleton of a layout; if it is None, only `points` is known."""
        if layout is None:
            return cls(points)
        pairs = []
        for limb, mirror in enumerate(mirrored_limbs(layout.limbs, layout.mirror)):
            if limb < mirror:
                is_left = any("left_" in layout.points[point] for point in layout.limbs[limb])
                pairs.append((limb, mirror) if is_left else (mirror, limb))
        left_limb, right_limb = tuple(zip(*pairs, strict=True)) or ((), ())
        return cls(points, layout.left, layout.right, layout.limbs, left_limb, right_limb)


def _splits(names: Sequence[str]) -> dict[str, str]:
    """Choose the splits by name: ``train1`` or ``xsub_train`` for training, ``val`` or ``dev``, and ``test``.

    If one of the last two is missing, the other is used for both, as in PYSKL's configs; a dataset with one split uses
    it for all.
    """
    train = _like(names, "train") or (names[0] if names else "train")
    others = [name for name in names if name != train] or [train]
    val = _like(others, "val", "dev")
    test = _like(others, "test")
    return {"train": train, "val": val or test or others[0], "test": test or val or others[-1]}


def _like(names: Sequence[str], *words: str) -> str | None:
    """The first name that begins with one of the words, or else contains one."""
    folded = [(name, name.casefold()) for name in names]
    first = (name for name, text in folded if text.startswith(words))
    within = (name for name, text in folded if any(word in text for word in words))
    return next(first, None) or next(within, None)


def _steps(
    steps: Iterable[StepSpec], skeleton: Skeleton, *, limbs: bool, sampling: StepSpec
) -> list[Mapping[str, Any]]:
    """A preset's steps with the arguments that a config needs but a request does not."""
    sides = ("left_kp", "right_kp", *(("left_limb", "right_limb") if limbs else ()))
    written: list[Mapping[str, Any]] = []
    for given in steps:
        step = dict(given)
        if step["type"] == "UniformSampleFrames":
            step |= sampling
        elif step["type"] == "Flip":
            if not skeleton.left_kp:
                continue  # a mirror image without exchanging left and right would teach the wrong side
            step |= {name: Variable(name) for name in sides[:2]}
        elif step["type"] == "GeneratePoseTarget":
            if limbs:
                step["skeletons"] = Variable("skeletons")
            if step.get("double") and skeleton.left_kp:
                step |= {name: Variable(name) for name in sides}
            else:
                step.pop("double", None)
        written.append(step)
    return written


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("heatsvc.annotation.configs"),
        autoescape=False,  # noqa: S701 - Python, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"literal": literal, "step": step_literal, "wrapped": wrapped_literal}
    return environment
