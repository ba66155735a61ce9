"""Which steps may follow which. Told when a pipeline is built, so that it cannot fail when it runs."""

from __future__ import annotations

from collections.abc import Sequence

from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.step import Step


def check_order(steps: Sequence[Step], reduce: str) -> None:
    """Steps must lead from a clip to one volume.

    The order is: sampling and its decoding and geometry in any order, then one target, then formats.

    Args:
        steps: in their order.
        reduce: what is done to the channels, which a PoTion image has no more.

    Raises:
        PipelineError: a step stands where it cannot; `field` is the step.
    """
    targets = [i for i, step in enumerate(steps) if step.role == "target"]
    if not targets:
        raise PipelineError("nothing is drawn: GeneratePoseTarget is missing", field="pipeline")
    if len(targets) > 1:
        raise _misplaced(targets[1], f"a pipeline has one GeneratePoseTarget; the first is step {targets[0]}")
    target = targets[0]
    sampled = False
    waiting: int | None = None
    formats: list[int] = []
    for i, step in enumerate(steps):
        name = step.type
        if step.role in ("sample", "decode", "geometry") and i > target:
            raise _misplaced(
                i, f"{name} must come before GeneratePoseTarget: it moves points, and they are drawn by then"
            )
        if step.role == "format" and i < target:
            raise _misplaced(i, f"{name} must come after GeneratePoseTarget: nothing is drawn yet")
        if step.role == "sample":
            if sampled:
                raise _misplaced(i, f"a pipeline has one {name} at most")
            sampled, waiting = True, i
        elif step.role == "decode":
            waiting = None
        elif step.role == "format":
            formats.append(i)
    if waiting is not None:
        raise _misplaced(waiting, f"{steps[waiting].type} chooses frames: a PoseDecode after it must take them")
    if len(formats) > 1:
        first, second = steps[formats[0]].type, steps[formats[1]].type
        raise _misplaced(formats[1], f"{second} cannot follow {first}: each makes an array that the other cannot use")
    if reduce != "none" and any(steps[i].type == "Heatmap2Potion" for i in formats):
        raise PipelineError(
            f"reduce {reduce} cannot be combined with Heatmap2Potion: its image has no axis of channels", field="reduce"
        )


def _misplaced(position: int, detail: str) -> PipelineError:
    return PipelineError(detail, field=f"pipeline[{position}]")
