"""Random splits, stratified by label: ``{"random": {"train": 0.8, "test": 0.2}, "seed": 0}``."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.splits.assignment import Assignment


def assign_by_chance(labels: Labels, wanted: Any, seed: Any) -> Assignment:
    """The splits of a random rule, the same on every machine and under every version of Python.

    The videos of a class are ordered by the SHA-256 of seed and name; of this order each split gets its share, in whole
    videos by the largest remainders. What the fractions leave is in no split, as was asked for, and no fault.

    Args:
        labels: the videos.
        wanted: split names and fractions of each class; together 1 at most.
        seed: a number or a text.

    Raises:
        AnnotationError: a rule that is none.
    """
    shares = _shares(wanted)
    if isinstance(seed, bool) or not isinstance(seed, int | str):
        raise AnnotationError(f"split.seed must be a whole number or a text, not {seed!r:.60}", field="split.seed")
    by_class: dict[int | None, list[int]] = defaultdict(list)
    for position, row in enumerate(labels.rows):
        by_class[row.index].append(position)
    split_of: list[str | None] = [None] * len(labels.rows)
    for positions in by_class.values():
        positions.sort(key=lambda position: _draw(seed, labels.rows[position].video.parts))
        counts = _counts([*shares.values(), 1 - sum(shares.values(), Fraction())], len(positions))
        drawn = iter(positions)
        for split, count in zip(shares, counts, strict=False):
            for _ in range(count):
                split_of[next(drawn)] = split
    return Assignment(tuple(split_of), tuple(shares), ())


def _shares(wanted: Any) -> dict[str, Fraction]:
    example = 'such as {"random": {"train": 0.8, "test": 0.2}, "seed": 0}'
    if not isinstance(wanted, dict) or not wanted:
        raise AnnotationError(f"split.random must name splits and their fractions, {example}", field="split.random")
    shares = {}
    for split, share in wanted.items():
        field = f"split.random.{split:.100}"
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise AnnotationError(f"{field} must be a fraction above 0, 1 at most, not {share!r:.60}", field=field)
        # As it is written, 0.8 is 4/5: binary fractions would add up to a little more than 1.
        shares[split] = Fraction(str(share))
    if sum(shares.values()) > 1:
        raise AnnotationError(
            f"the fractions of split.random add up to {float(sum(shares.values())):g}: 1 at most, {example}",
            field="split.random",
        )
    return shares


def _counts(shares: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers that add up to the total, by the largest remainders; of equal ones the first."""
    quotas = [share * total for share in shares]
    counts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - quotas[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _draw(seed: int | str, parts: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    return hashlib.sha256(f"{seed}\n{'/'.join(parts)}".encode("utf-8", "surrogatepass")).digest(), parts
