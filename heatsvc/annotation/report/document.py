"""The report as JSON, from which the page and the text are made."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.faults import FAULTY, KINDS, MISSING, Fault
from heatsvc.annotation.statistics import ClipStatistics, DatasetStatistics


def by_split(facts: DatasetStatistics) -> list[dict[str, Any]]:
    """Of each split its name and how many clips, zeros, frames, classes and signers it has."""
    rows = []
    clips_of: dict[str, list[ClipStatistics]] = defaultdict(list)
    for clip in facts.clips:
        clips_of[clip.split].append(clip)
    for split in facts.splits:
        clips = clips_of[split]
        rows.append(
            {
                "name": split,
                "clips": len(clips),
                "zeros": sum(clip.zeros for clip in clips),
                "frames": sum(clip.frames for clip in clips),
                "classes": len({clip.label for clip in clips}),
                "signers": len({clip.signer for clip in clips if clip.signer}),
            }
        )
    return rows


def by_class(facts: DatasetStatistics) -> list[dict[str, Any]]:
    """Of each class its index, its label and its clips by split; gaps in the indices are left out."""
    count = _count_clips(facts)
    return [
        {"index": index, "label": label, "clips": {split: count[index, split] for split in facts.splits}}
        for index, label in enumerate(facts.classes)
        if label
    ]


def absent(facts: DatasetStatistics) -> dict[str, list[str]]:
    """By split the labels of classes that have no clip in it."""
    count = _count_clips(facts)
    return {
        split: [label for index, label in enumerate(facts.classes) if label and not count[index, split]]
        for split in facts.splits
    }


def _count_clips(facts: DatasetStatistics) -> Counter[tuple[int, str]]:
    return Counter((clip.label, clip.split) for clip in facts.clips)


_MOST_BINS = 40


def frames(clips: Iterable[ClipStatistics]) -> dict[str, Any]:
    """Count, smallest, mean, median and largest number of frames, and a histogram, of all clips that are not zeros."""
    lengths = [clip.frames for clip in clips if not clip.zeros]
    if not lengths:
        return {
            "count": 0,
            **dict.fromkeys(("min", "mean", "median", "max")),
            "histogram": {"start": 0, "width": 1, "counts": []},
        }
    return {
        "count": len(lengths),
        "min": min(lengths),
        "mean": round(statistics.fmean(lengths), 2),
        "median": statistics.median(lengths),
        "max": max(lengths),
        "histogram": _frame_histogram(lengths),
    }


def _frame_histogram(lengths: list[int]) -> dict[str, Any]:
    """Bins as wide as 1, 2 or 5 times a power of ten, from a multiple of that on, and not too many."""
    low, high = min(lengths), max(lengths)
    widths = (step * 10**power for power in itertools.count() for step in (1, 2, 5))
    width = next(width for width in widths if high // width - low // width < _MOST_BINS)
    first = low // width
    counts = [0] * (high // width - first + 1)
    for length in lengths:
        counts[length // width - first] += 1
    return {"start": first * width, "width": width, "counts": counts}


QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def scores(facts: DatasetStatistics) -> list[dict[str, Any]]:
    """Of each point its name, how many scores there are, their mean, quantiles and histogram."""
    names = facts.layout.points if facts.layout else ()
    return [
        {
            "index": index,
            "name": names[index] if index < len(names) else "",
            "count": int(counts.sum()),
            "mean": _mean(counts),
            "quantiles": {f"{share:g}": quantile(counts, share) for share in QUANTILES},
            "histogram": counts.tolist(),
        }
        for index, counts in enumerate(facts.score_histogram)
    ]


def _mean(counts: npt.NDArray[np.int64]) -> float | None:
    """As if each score stood in the middle of its bin; None where there are none."""
    total = int(counts.sum())
    if not total:
        return None
    centres = (np.arange(len(counts)) + 0.5) / len(counts)
    return round(float(counts @ centres) / total, 4)


def quantile(counts: npt.NDArray[np.int64], share: float) -> float | None:
    """The score below which a share of all lies, as if those of a bin were spread evenly over it; None where none are.

    Args:
        counts: [B], of equal bins over [0, 1].
        share: from 0 to 1.
    """
    total = int(counts.sum())
    if not total:
        return None
    up_to = np.cumsum(counts)
    wanted = share * total
    full = int(np.searchsorted(up_to, wanted))
    before = int(up_to[full] - counts[full])
    within = (wanted - before) / int(counts[full])
    return round((full + within) / len(counts), 4)


def leaks(facts: DatasetStatistics) -> dict[str, Any]:
    """Names, points and signers that are in more than one split."""
    return {"names": _names(facts), "content": _content(facts), "signers": _signers(facts)}


def _names(facts: DatasetStatistics) -> list[dict[str, Any]]:
    """Videos that two splits name, as it was found when the splits were read."""
    found = (fault for fault in facts.faults if fault.kind == "in_two_splits")
    return [
        {"name": fault.name, "detail": fault.detail, "done": fault.done}
        for fault in sorted(found, key=lambda fault: (fault.name, fault.detail))
    ]


def _content(facts: DatasetStatistics) -> list[dict[str, Any]]:
    """Groups of clips with the same points; those of one split alone are no leak."""
    equal: dict[str, list[ClipStatistics]] = {}
    for clip in facts.clips:
        if clip.digest:
            equal.setdefault(clip.digest, []).append(clip)
    return [
        {"clips": [{"name": clip.name, "split": clip.split, "label": _label(facts, clip)} for clip in clips]}
        for clips in equal.values()
        if len({clip.split for clip in clips}) > 1
    ]


def _signers(facts: DatasetStatistics) -> list[dict[str, Any]]:
    count = Counter((clip.signer, clip.split) for clip in facts.clips if clip.signer)
    order = {split: position for position, split in enumerate(facts.splits)}
    by_signer: dict[str, dict[str, int]] = {}
    pairs = (pair for pair in count if pair[1] in order)
    for signer, split in sorted(pairs, key=lambda pair: (len(pair[0]), pair[0], order[pair[1]])):
        by_signer.setdefault(signer, {})[split] = count[signer, split]
    return [{"signer": signer, "clips": clips} for signer, clips in by_signer.items() if len(clips) > 1]


def _label(facts: DatasetStatistics, clip: ClipStatistics) -> str:
    return facts.classes[clip.label] if 0 <= clip.label < len(facts.classes) else str(clip.label)


def fault_groups(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Of each kind that occurs its meaning, what became of the videos, and the faults in the order of their names."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in faults:
        by_kind.setdefault(fault.kind, []).append(fault)
    return [
        {
            "kind": kind,
            "meaning": meaning,
            "count": len(by_kind[kind]),
            "done": dict(sorted(Counter(fault.done for fault in by_kind[kind] if fault.done).items())),
            "items": [
                {"name": fault.name, "file": fault.file, "detail": fault.detail, "done": fault.done}
                for fault in sorted(by_kind[kind], key=lambda fault: (fault.name, fault.file or "", fault.detail))
            ],
        }
        for kind, meaning in KINDS.items()
        if kind in by_kind
    ]


def report_json(facts: DatasetStatistics) -> dict[str, Any]:
    """A report that JSON can hold: text, whole numbers, finite numbers, lists and dicts. No list is cut.

    Keys:
        summary: numbers of the whole: `clips` written, of them `zeros` (for videos without keypoints), `classes`,
            keypoint `files`, `labelled` videos; `missing`, `faulty`, `unlabelled` videos and all `faults`; `trimmed`
            videos; `undetected` points of all `points_written`; `points` (V), `layout`, `img_shape` (null where
            there is none), `dtype`, `seconds`.
        splits: of each split `name`, `clips`, `zeros`, `frames`, and how many `classes` and `signers` it has.
        classes: of each class `index`, `label` and `clips` by split.
        absent: by split the labels that no clip of it has.
        frames: `count` of clips with keypoints, `min`, `mean`, `median`, `max` frames as written, and a `histogram`:
            `counts` of clips in bins of `width` frames from `start` on. Null numbers where there are no clips.
        scores: of each point `index`, `name`, `count` of scores, `mean` and `quantiles` (both to a bin's width), and
            `histogram`, counts in equal bins over [0, 1].
        faults: of each kind that occurs `kind`, `meaning`, `count`, `done` (how many were dropped, ...) and `items`,
            each with `name`, `file`, `detail`, `done`.
        filtered: labelled videos that the filters left out, by filter.
        undetected: clips with points that were NaN: `name`, `points`.
        leaks: `names` in two splits, as the faults tell it; `content`, groups of clips in two splits or more with equal
            points; `signers` in two splits or more, with clips by split.
        options: what was asked for.
    """
    groups = fault_groups(facts.faults)
    count = {group["kind"]: group["count"] for group in groups}
    return {
        "summary": {
            "clips": len(facts.clips),
            "zeros": sum(clip.zeros for clip in facts.clips),
            "classes": sum(map(bool, facts.classes)),
            "files": facts.files,
            "labelled": facts.labelled,
            "missing": sum(count.get(kind, 0) for kind in MISSING),
            "faulty": sum(count.get(kind, 0) for kind in FAULTY),
            "unlabelled": count.get("unlabelled", 0),
            "faults": len(facts.faults),
            "trimmed": facts.trimmed,
            "undetected": sum(clip.undetected for clip in facts.clips),
            "points_written": sum(clip.persons * clip.frames for clip in facts.clips) * facts.points,
            "points": facts.points,
            "layout": facts.layout.name if facts.layout else None,
            "img_shape": list(facts.img_shape) if all(facts.img_shape) else None,
            "dtype": facts.options.dtype,
            "seconds": round(facts.seconds, 3),
        },
        "splits": by_split(facts),
        "classes": by_class(facts),
        "absent": absent(facts),
        "frames": frames(facts.clips),
        "scores": scores(facts),
        "faults": groups,
        "filtered": dict(facts.filtered),
        "undetected": [{"name": clip.name, "points": clip.undetected} for clip in facts.clips if clip.undetected],
        "leaks": leaks(facts),
        "options": facts.options.model_dump(mode="json"),
    }
