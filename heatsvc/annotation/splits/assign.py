"""From a split file or a rule to an assignment."""

from __future__ import annotations

from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment
from heatsvc.annotation.splits.by_chance import assign_by_chance
from heatsvc.annotation.splits.by_column import assign_by_column
from heatsvc.annotation.splits.named import assign_named
from heatsvc.annotation.splits.split_file import FORMS, MAX_SPLIT_NAME, MAX_SPLITS, SplitFile

_RULES = (
    'a rule: {"signer": {"train": ">10", "test": "<=10"}}, the same with any column of the label table, or '
    '{"random": {"train": 0.8, "test": 0.2}, "seed": 0}'
)


def assign(labels: Labels, split_file: SplitFile | None, options: AnnotationOptions) -> Assignment:
    """Which split each video is in.

    Faults are told and not raised, also where the policy is ``error``: the caller collects those of all files first.

    Args:
        labels: the videos.
        split_file: what a file says, None where a rule tells.
        options: the rule, and the policy for names in two splits, in none, or unknown.

    Raises:
        AnnotationError: neither a file nor a rule, or both; a rule that is none; a name that may be two videos.
    """
    if split_file is not None:
        if options.split is not None:
            raise AnnotationError("a split file and the option split: give one of them", field="split")
        return assign_named(labels, split_file, options)
    if options.split is None:
        raise AnnotationError(f"nothing tells the split: send a split file, {FORMS}; or {_RULES}", field="split")
    column, wanted = _rule(options.split)
    if column == "random":
        return assign_by_chance(labels, wanted, options.split.get("seed", 0))
    if "seed" in options.split:
        raise AnnotationError("split.seed goes with split.random alone", field="split.seed")
    return assign_by_column(labels, column, wanted, options)


def undivided(labels: Labels) -> Assignment:
    """All videos in one split, `all`: for who only looks at them."""
    return Assignment(("all",) * len(labels.rows), ("all",), ())


def _rule(split: dict[str, Any]) -> tuple[str, Any]:
    rules = [key for key in split if key != "seed"]
    if len(rules) != 1:
        raise AnnotationError(f"split must hold one rule, not {len(rules)}: {_RULES}", field="split")
    wanted = split[rules[0]]
    if isinstance(wanted, dict):
        if len(wanted) > MAX_SPLITS:
            raise AnnotationError(f"{len(wanted):,} splits are too many: {MAX_SPLITS:,} at most", field="split")
        for name in wanted:
            if not name.strip() or len(name) > MAX_SPLIT_NAME or not name.isprintable():
                raise AnnotationError(
                    f"a split's name must be a text of 1 to {MAX_SPLIT_NAME} characters, not {name!r:.60}",
                    field=f"split.{rules[0]:.100}",
                )
    return rules[0], wanted
