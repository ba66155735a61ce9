"""Assignment: assigns a split to each video, by a split file, a column of the label table, or at random."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.labels.filters import Condition, columns_text
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.rows import LabelRow
from heatsvc.annotation.labels.tables import KNOWN, SPLIT, normalize_header
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.split_file import (
    FORMATS,
    MAX_SPLIT_NAME,
    MAX_SPLITS,
    USUAL_SPLITS,
    SplitEntry,
    SplitFile,
    is_split_name,
)

_MAX_NAMED = 5
_RULES = (
    'a rule: {"signer": {"train": ">10", "test": "<=10"}} with any column of the label table, '
    '{"column": "subset"} for a column of splits, or {"random": {"train": 0.8, "test": 0.2}, "seed": 0}'
)
# A column with more values is not a column of splits.
_MAX_COLUMN_SPLITS = 20
_RANDOM_EXAMPLE = 'such as {"random": {"train": 0.8, "test": 0.2}, "seed": 0}'


@dataclass(frozen=True, slots=True)
class Assignment:
    """Videos and splits.

    Attributes:
        split_of: the split of each row of the labels; None if the row is dropped.
        splits: names of the splits in their order.
        faults: videos in two splits, in none, or not in the labels, and what was done with each.
        column: the column of the label tables that defines the splits; None if something else does.
    """

    split_of: tuple[str | None, ...]
    splits: tuple[str, ...]
    faults: tuple[Fault, ...]
    column: str | None = None


def assign_splits(labels: Labels, split_file: SplitFile | None, options: AnnotationOptions) -> Assignment:
    """Assign a split to each video.

    Faults are collected instead of raised, even if the policy is ``error``, so that the report lists all of them.

    Args:
        labels: the videos.
        split_file: the split file; None if a rule is used.
        options: the rule, and the policy for names in two splits, in none, or not in the labels.

    Raises:
        AnnotationError: there is neither a file nor a rule, or both; the rule is invalid; or a name matches several
            videos.
    """
    if split_file is not None:
        if options.split is not None:
            raise AnnotationError("there are a split file and the option split: use one of them", field="split")
        return _assign_by_file(labels, split_file, options.split_policy)
    if options.split is None:
        column = find_split_column(labels)
        if column is None:
            raise AnnotationError(f"split is missing: give a file, {FORMATS}; or {_RULES}", field="split")
        return replace(_assign_by_names(labels, column, options.split_policy), column=column)
    column, splits = _parse_rule(options.split)
    if column == "random":
        return _assign_at_random(labels, splits, options.split.get("seed", 0))
    if "seed" in options.split:
        raise AnnotationError("split.seed needs split.random", field="split.seed")
    if column == "column" and isinstance(splits, str):
        return _assign_by_names(labels, splits, options.split_policy)
    return _assign_by_column(labels, column, splits, options.split_policy)


def _assign_by_file(labels: Labels, split_file: SplitFile, policy: str) -> Assignment:
    """Assign the splits of a file. A name that filters exclude is not a fault, since the file may list all videos."""
    claims: list[dict[str, None]] = [{} for _ in labels.rows]
    unknown: dict[tuple[str, ...], tuple[SplitEntry, dict[str, None]]] = {}
    for entry in split_file.entries:
        row = labels.find_row(entry.video, entry.where, entry.file)
        if row is not None:
            claims[row][entry.split] = None
        elif not labels.known.find(entry.video):
            unknown.setdefault(entry.video.parts, (entry, {}))[1][entry.split] = None
    order = {split: position for position, split in enumerate(split_file.splits)}
    done = "refused" if policy == "error" else "dropped"
    faults = []
    for entry, splits in unknown.values():
        detail = f"in {_splits_text(tuple(splits))}, but not in the labels"
        faults.append(Fault("unknown_to_labels", entry.video.text, detail, entry.file, done))
    return _resolve(
        labels.rows,
        [sorted(claimed, key=order.__getitem__) for claimed in claims],
        split_file.splits,
        policy,
        file=split_file.file,
        no_split=["labeled, but in no split"] * len(labels.rows),
        other_faults=faults,
    )


def _parse_rule(split: dict[str, Any]) -> tuple[str, Any]:
    """The rule's column, or ``random``, and its splits."""
    rules = [key for key in split if key != "seed"]
    if len(rules) != 1:
        raise AnnotationError(f"split must have one rule, not {len(rules)}: {_RULES}", field="split")
    splits = split[rules[0]]
    if isinstance(splits, dict):
        if len(splits) > MAX_SPLITS:
            raise AnnotationError(f"there are {len(splits):,} splits: {MAX_SPLITS:,} at most", field="split")
        for name in splits:
            if not is_split_name(name):
                raise AnnotationError(
                    f"a split's name must be a text of 1 to {MAX_SPLIT_NAME} characters, not {name!r:.60}",
                    field=f"split.{rules[0]:.100}",
                )
    return rules[0], splits


def _assign_by_column(labels: Labels, column: str, splits: Any, policy: str) -> Assignment:
    """Assign splits by a rule for a column, such as ``{"signer": {"train": ">10", "test": "<=10"}}``.

    A video whose cell is empty is in no split. A video with different cells in several rows may match two splits,
    which is a leak, and reported as one.
    """
    field = f"split.{column:.100}"
    headers = _headers(labels, column)
    if not headers:
        known = columns_text(sorted(labels.headers)) or "names and labels only"
        raise AnnotationError(f"no label file has a column {column!r:.80}: their columns are {known}", field=field)
    if not isinstance(splits, dict) or not splits:
        raise AnnotationError(
            f'{field} must name splits and their values, such as {{"train": ">10", "test": "<=10"}}', field=field
        )
    conditions = {split: Condition.of(values, f"{field}.{split:.100}") for split, values in splits.items()}
    texts = [tuple(text for header in headers for text in row.texts(header)) or ("",) for row in labels.rows]

    @cache  # a column has few different values
    def matching(values: tuple[str, ...]) -> list[str]:
        return [split for split, condition in conditions.items() if any(map(condition.matches, values))]

    return _resolve(
        labels.rows,
        [matching(values) for values in texts],
        tuple(conditions),
        policy,
        file=None,
        no_split=[
            f"its {column} {values[0]!r:.80} is in no split" if values[0] else f"its row has no {column}"
            for values in texts
        ],
    )


def find_split_column(labels: Labels) -> str | None:
    """The column of splits of the label tables, such as `split` or `subset`; None if there is none."""
    for known in SPLIT:
        headers = _headers(labels, known)
        values = {text for row in labels.rows for header in headers for text in row.texts(header)}
        if 0 < len(values) <= _MAX_COLUMN_SPLITS and known != "fold" and all(map(is_split_name, values)):
            return headers[0]
    return None


def _assign_by_names(labels: Labels, column: str, policy: str) -> Assignment:
    """Assign the splits that are named in a column."""
    headers = _headers(labels, column)
    values = dict.fromkeys(text for row in labels.rows for header in headers for text in row.texts(header))
    if len(values) > MAX_SPLITS:
        raise AnnotationError(
            f"the column {column!r:.80} has {len(values):,} values, but at most {MAX_SPLITS:,} splits are allowed",
            field="split.column",
        )
    for name in values:
        if not is_split_name(name):
            raise AnnotationError(
                f"the column {column!r:.80} has {name!r:.60}: a split's name is a text of 1 to {MAX_SPLIT_NAME} "
                "characters",
                field="split.column",
            )
    known = [split for split in USUAL_SPLITS if split in values]
    splits = {split: f"={split}" for split in (*known, *(split for split in values if split not in known))}
    return _assign_by_column(labels, column, splits, policy)


def _headers(labels: Labels, column: str) -> list[str]:
    """The headers for a column's name; tables may spell it differently."""
    if column in KNOWN and column in labels.headers:
        return [column]
    return sorted(header for header in labels.headers if normalize_header(header) == normalize_header(column))


def _assign_at_random(labels: Labels, splits: Any, seed: Any) -> Assignment:
    """Assign splits at random, stratified by label, with the same result on all machines and versions of Python.

    The videos of a class are ordered by the SHA-256 of seed and name. Each split gets its fraction of this order,
    rounded to whole videos by the largest remainder method. The remaining videos are in no split, which is not a fault.
    """
    fractions = _parse_fractions(splits)
    if isinstance(seed, bool) or not isinstance(seed, int | str):
        raise AnnotationError(f"split.seed must be a whole number or a text, not {seed!r:.60}", field="split.seed")
    by_class: dict[int | None, list[int]] = defaultdict(list)
    for position, row in enumerate(labels.rows):
        by_class[row.index].append(position)
    split_of: list[str | None] = [None] * len(labels.rows)
    for positions in by_class.values():
        positions.sort(key=lambda position: _random_key(seed, labels.rows[position].video.parts))
        counts = _counts([*fractions.values(), 1 - sum(fractions.values(), Fraction())], len(positions))
        remaining = iter(positions)
        for split, count in zip(fractions, counts, strict=False):
            for _ in range(count):
                split_of[next(remaining)] = split
    return Assignment(tuple(split_of), tuple(fractions), ())


def _parse_fractions(splits: Any) -> dict[str, Fraction]:
    if not isinstance(splits, dict) or not splits:
        text = f"split.random must name splits and their fractions, {_RANDOM_EXAMPLE}"
        raise AnnotationError(text, field="split.random")
    fractions = {}
    for split, fraction in splits.items():
        field = f"split.random.{split:.100}"
        if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction <= 1:
            raise AnnotationError(
                f"{field} must be a fraction above 0 and at most 1, not {fraction!r:.60}", field=field
            )
        # 0.8 is read as 4/5, since binary fractions could add up to slightly more than 1.
        fractions[split] = Fraction(str(fraction))
    total = sum(fractions.values())
    if total > 1:
        text = f"the fractions of split.random add up to {float(total):g}: 1 at most, {_RANDOM_EXAMPLE}"
        raise AnnotationError(text, field="split.random")
    return fractions


def _counts(fractions: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers that add up to the total, by the largest remainder method; the first of equal remainders wins."""
    quotas = [fraction * total for fraction in fractions]
    counts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(fractions)), key=lambda i: counts[i] - quotas[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _random_key(seed: int | str, parts: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    return hashlib.sha256(f"{seed}\n{'/'.join(parts)}".encode("utf-8", "surrogatepass")).digest(), parts


def _resolve(
    rows: Sequence[LabelRow],
    claims: Sequence[Sequence[str]],
    splits: Sequence[str],
    policy: str,
    *,
    file: str | None,
    no_split: Iterable[str],
    other_faults: Sequence[Fault] = (),
) -> Assignment:
    """Assign each video to the split that names it; the policy applies if several splits or none name it."""
    refused = "refused" if policy == "error" else "dropped"
    split_of: list[str | None] = []
    faults: list[Fault] = []
    for row, claimed, detail in zip(rows, claims, no_split, strict=True):
        if len(claimed) == 1:
            split_of.append(claimed[0])
        elif not claimed:
            split_of.append(None)
            faults.append(Fault("in_no_split", row.video.text, detail, file, refused))
        else:
            kept = claimed[0] if policy == "first" else None
            split_of.append(kept)
            text = f"in {_splits_text(claimed)}: a video must be in one split"
            faults.append(Fault("in_two_splits", row.video.text, text, file, f"kept in {kept}" if kept else refused))
    return Assignment(tuple(split_of), tuple(splits), (*faults, *other_faults))


def _splits_text(splits: Sequence[str]) -> str:
    """Names of the first few splits, for messages."""
    more = f" and {len(splits) - _MAX_NAMED:,} more" if len(splits) > _MAX_NAMED else ""
    return " and ".join(splits[:_MAX_NAMED]) + more
