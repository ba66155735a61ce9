"""Split rules: splits by a column of the label table, and random ones; and the choice between rule and file."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.filters import Condition, columns_text
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.tables import KNOWN, normalize_header
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment, apply_policy
from heatsvc.annotation.splits.split_file import FORMS, MAX_SPLIT_NAME, MAX_SPLITS, SplitFile, assign_by_file


def assign_by_column(labels: Labels, column: str, wanted: Any, options: AnnotationOptions) -> Assignment:
    """The splits of a rule on a column; a video whose row has no such cell is in none.

    One that stands in the table twice, with different cells there, may fit two: that is a leak, and told as one.

    Args:
        labels: the videos.
        column: signer, year, view, type, or a header.
        wanted: split names, and the values or conditions of each.

    Raises:
        AnnotationError: a column that no table has, or a rule that is none.
    """
    field = f"split.{column:.100}"
    headers = _headers(labels, column)
    if not headers:
        there = columns_text(sorted(labels.headers)) or "none but names and labels"
        raise AnnotationError(f"no label file has a column {column!r:.80}: they have {there}", field=field)
    if not isinstance(wanted, dict) or not wanted:
        raise AnnotationError(
            f'{field} must name splits and their values, such as {{"train": ">10", "test": "<=10"}}', field=field
        )
    conditions = {split: Condition.of(values, f"{field}.{split:.100}") for split, values in wanted.items()}
    texts = [tuple(text for header in headers for text in row.texts(header)) or ("",) for row in labels.rows]

    @cache  # a column has few values
    def fitting(values: tuple[str, ...]) -> list[str]:
        return [split for split, condition in conditions.items() if any(map(condition.fits, values))]

    return apply_policy(
        labels.rows,
        [fitting(values) for values in texts],
        tuple(conditions),
        options,
        file=None,
        why_none=[
            f"its {column} {values[0]!r:.80} fits no split" if values[0] else f"its row has no {column}"
            for values in texts
        ],
    )


def _headers(labels: Labels, column: str) -> list[str]:
    """Headers that a column's name means: itself, or one that is spelled alike; tables may spell it differently."""
    if column in KNOWN and column in labels.headers:
        return [column]
    return sorted(header for header in labels.headers if normalize_header(header) == normalize_header(column))


def assign_at_random(labels: Labels, wanted: Any, seed: Any) -> Assignment:
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


_RULES = (
    'a rule: {"signer": {"train": ">10", "test": "<=10"}}, the same with any column of the label table, or '
    '{"random": {"train": 0.8, "test": 0.2}, "seed": 0}'
)


def assign_splits(labels: Labels, split_file: SplitFile | None, options: AnnotationOptions) -> Assignment:
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
        return assign_by_file(labels, split_file, options)
    if options.split is None:
        raise AnnotationError(f"nothing tells the split: send a split file, {FORMS}; or {_RULES}", field="split")
    column, wanted = _rule(options.split)
    if column == "random":
        return assign_at_random(labels, wanted, options.split.get("seed", 0))
    if "seed" in options.split:
        raise AnnotationError("split.seed goes with split.random alone", field="split.seed")
    return assign_by_column(labels, column, wanted, options)


def assign_all(labels: Labels) -> Assignment:
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
