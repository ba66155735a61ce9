"""Makes the report as JSON, from which the page and the text are made."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.faults import FAULTY, KINDS, MISSING, Fault
from heatsvc.annotation.labels.labels import LabelSource
from heatsvc.annotation.statistics import ClipStatistics, DatasetStatistics
from heatsvc.pose.findings import CODES

_MAX_BINS = 40
_MAX_LABEL_FILES = 20
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def report_json(dataset: DatasetStatistics) -> dict[str, Any]:
    """The report as text, whole numbers, finite numbers, dicts and complete lists.

    Keys:
        summary: totals: written `clips`, of them `zeros` (for videos without keypoints), `classes`, keypoint `files`,
            `labelled` videos; `missing`, `faulty`, `unlabelled` videos and all `faults`; `trimmed` videos; `undetected`
            points of all `points_written`; `points` (V), `layout`, `img_shape` (null if there is none), `dtype`,
            `seconds`.
        splits: for each split `name`, `clips`, `zeros`, `frames`, and the number of `classes` and `signers`.
        classes: for each class `index`, `label` and `clips` by split; indices without a label are left out.
        absent: for each split the labels that none of its clips has.
        frames: `count` of clips with keypoints, `min`, `mean`, `median`, `max` of written frames, and a `histogram`:
            `counts` of clips in bins of `width` frames from `start` on. Numbers are null if there are no clips.
        scores: for each point `index`, `name`, `count` of scores, `mean` and `quantiles` (both to a bin's width), and
            `histogram`, counts in equal bins over [0, 1].
        faults: for each kind that occurs `kind`, `meaning`, `count`, `done` (how many were dropped, ...) and `items`,
            each with `name`, `file`, `detail`, `done`.
        findings: doubtful numbers of written clips: for each code that occurs `code`, `severity`,
            `meaning`, `what_to_do`, `count` of clips and `items`, each with `name` and `detail`.
        filtered: number of labeled videos that each filter excludes.
        undetected: clips with points that were NaN: `name`, `points`.
        leaks: `names` in two splits, as in the faults; `content`, groups of clips with equal points in two or more
            splits; `signers` in two or more splits, with clips by split.
        notes: assumptions that were made, and files that were ignored, as sentences.
        options: the dataset's options.
        labels: the detected format of each label file: `file`, `format`, `encoding` and whether it is `assumed`, number
            of `rows` (videos) and `classes`, and the first three `labels`. Of more than 20 files of one format and
            encoding, only the first is listed, with their number in `files`.
        split: `column` of the label tables that defines the splits, if one does, and the split files whose encoding is
            `assumed`.
        mismatch: why no labeled video has a keypoint file and a split; null where some have.
        provenance: what made the dataset, texts: `software`, `version`, `kernels`, `pipeline` (the presets of the
            training configs), and `seed` of a random split.
    """
    groups = fault_groups(dataset.faults)
    count = {group["kind"]: group["count"] for group in groups}
    clips_of = Counter((clip.label, clip.split) for clip in dataset.clips)
    clips_in: dict[str, list[ClipStatistics]] = defaultdict(list)
    for clip in dataset.clips:
        clips_in[clip.split].append(clip)
    labels = [(index, label) for index, label in enumerate(dataset.classes) if label]
    return {
        "summary": {
            "clips": len(dataset.clips),
            "zeros": sum(clip.zeros for clip in dataset.clips),
            "classes": len(labels),
            "files": dataset.files,
            "labelled": dataset.labeled,
            "missing": sum(count.get(kind, 0) for kind in MISSING),
            "faulty": sum(count.get(kind, 0) for kind in FAULTY),
            "unlabelled": count.get("unlabelled", 0),
            "faults": len(dataset.faults),
            "trimmed": dataset.trimmed,
            "undetected": sum(clip.undetected for clip in dataset.clips),
            "points_written": sum(clip.persons * clip.frames for clip in dataset.clips) * dataset.points,
            "points": dataset.points,
            "layout": dataset.layout.name if dataset.layout else None,
            "img_shape": list(dataset.img_shape) if all(dataset.img_shape) else None,
            "dtype": dataset.options.dtype,
            "seconds": round(dataset.seconds, 3),
        },
        "splits": [_split(name, clips_in[name]) for name in dataset.splits],
        "classes": [
            {"index": index, "label": label, "clips": {split: clips_of[index, split] for split in dataset.splits}}
            for index, label in labels
        ],
        "absent": {split: [label for index, label in labels if not clips_of[index, split]] for split in dataset.splits},
        "frames": _frames([clip.frames for clip in dataset.clips if not clip.zeros]),
        "scores": _scores(dataset),
        "faults": groups,
        "findings": _findings(dataset.clips),
        "filtered": dict(dataset.filtered),
        "undetected": [{"name": clip.name, "points": clip.undetected} for clip in dataset.clips if clip.undetected],
        "leaks": {"names": _leaked_names(groups), "content": _leaked_content(dataset), "signers": _signers(dataset)},
        "notes": list(dataset.notes),
        "options": dataset.options.model_dump(mode="json"),
        "labels": label_sources(dataset.sources),
        "split": {"column": dataset.split_column, "assumed": list(dataset.assumed)},
        "mismatch": dataset.mismatch or None,
        "provenance": dataset.provenance,
    }


def label_sources(sources: Sequence[LabelSource]) -> list[dict[str, Any]]:
    """The detected format of each label file, as in the report's `labels`."""
    groups: dict[object, list[LabelSource]] = {}
    for source in sources:
        many = len(sources) > _MAX_LABEL_FILES
        groups.setdefault((source.format, source.encoding) if many else source.file, []).append(source)
    return [
        {
            "file": group[0].file,
            "files": len(group),
            "format": group[0].format,
            "encoding": group[0].encoding,
            "assumed": group[0].assumed,
            "rows": sum(source.rows for source in group),
            "classes": sum(source.classes for source in group),
            "labels": list(dict.fromkeys(label for source in group[:3] for label in source.labels))[:3],
        }
        for group in groups.values()
    ]


def fault_groups(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults by kind, with the kind's meaning, what was done with the videos, and the faults sorted by name."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in sorted(faults, key=lambda fault: (fault.name, fault.file or "", fault.detail)):
        by_kind.setdefault(fault.kind, []).append(fault)
    return [
        {
            "kind": kind,
            "meaning": meaning,
            "count": len(by_kind[kind]),
            "done": dict(sorted(Counter(fault.done for fault in by_kind[kind] if fault.done).items())),
            "items": [
                {"name": fault.name, "file": fault.file, "detail": fault.detail, "done": fault.done}
                for fault in by_kind[kind]
            ],
        }
        for kind, meaning in KINDS.items()
        if kind in by_kind
    ]


def _findings(clips: Sequence[ClipStatistics]) -> list[dict[str, Any]]:
    items: dict[str, list[dict[str, str]]] = {}
    for clip in clips:
        for code, detail in clip.findings:
            items.setdefault(code, []).append({"name": clip.name, "detail": detail})
    return [
        {
            "code": code,
            "severity": meaning.severity,
            "meaning": meaning.text,
            "what_to_do": meaning.what_to_do,
            "count": len(items[code]),
            "items": items[code],
        }
        for code, meaning in CODES.items()
        if code in items
    ]


def _split(name: str, clips: list[ClipStatistics]) -> dict[str, Any]:
    return {
        "name": name,
        "clips": len(clips),
        "zeros": sum(clip.zeros for clip in clips),
        "frames": sum(clip.frames for clip in clips),
        "classes": len({clip.label for clip in clips}),
        "signers": len({clip.signer for clip in clips if clip.signer}),
    }


def _frames(lengths: list[int]) -> dict[str, Any]:
    """Statistics of numbers of frames, with a histogram whose bin width is 1, 2 or 5 times a power of ten."""
    if not lengths:
        numbers = dict.fromkeys(("min", "mean", "median", "max"))
        return {"count": 0, **numbers, "histogram": {"start": 0, "width": 1, "counts": []}}
    low, high = min(lengths), max(lengths)
    widths = (step * 10**power for power in itertools.count() for step in (1, 2, 5))
    width = next(width for width in widths if high // width - low // width < _MAX_BINS)
    first = low // width
    counts = [0] * (high // width - first + 1)
    for length in lengths:
        counts[length // width - first] += 1
    return {
        "count": len(lengths),
        "min": low,
        "mean": round(statistics.fmean(lengths), 2),
        "median": statistics.median(lengths),
        "max": high,
        "histogram": {"start": first * width, "width": width, "counts": counts},
    }


def _scores(dataset: DatasetStatistics) -> list[dict[str, Any]]:
    names = dataset.layout.points if dataset.layout else ()
    return [
        {
            "index": index,
            "name": names[index] if index < len(names) else "",
            "count": int(counts.sum()),
            "mean": _mean(counts),
            "quantiles": {f"{fraction:g}": _quantile(counts, fraction) for fraction in _QUANTILES},
            "histogram": counts.tolist(),
        }
        for index, counts in enumerate(dataset.score_histogram)
    ]


def _mean(counts: npt.NDArray[np.int64]) -> float | None:
    """The mean of a histogram over [0, 1], from the centers of its bins; None if it is empty."""
    total = int(counts.sum())
    centers = (np.arange(len(counts)) + 0.5) / len(counts)
    return round(float(counts @ centers) / total, 4) if total else None


def _quantile(counts: npt.NDArray[np.int64], fraction: float) -> float | None:
    """A quantile of a histogram over [0, 1], interpolated within its bin; None if it is empty."""
    total = int(counts.sum())
    if not total:
        return None
    cumulative = np.cumsum(counts)
    wanted = fraction * total
    full = int(np.searchsorted(cumulative, wanted))
    before = int(cumulative[full] - counts[full])
    within = (wanted - before) / int(counts[full])
    return round((full + within) / len(counts), 4)


def _leaked_names(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Videos in two splits."""
    items = (item for group in groups if group["kind"] == "in_two_splits" for item in group["items"])
    return [{key: item[key] for key in ("name", "detail", "done")} for item in items]


def _leaked_content(dataset: DatasetStatistics) -> list[dict[str, Any]]:
    """Groups of clips with the same points in several splits."""
    equal: dict[str, list[ClipStatistics]] = {}
    for clip in dataset.clips:
        if clip.digest:
            equal.setdefault(clip.digest, []).append(clip)
    labels = dict(enumerate(dataset.classes))
    return [
        {
            "clips": [
                {"name": clip.name, "split": clip.split, "label": labels.get(clip.label, str(clip.label))}
                for clip in clips
            ]
        }
        for clips in equal.values()
        if len({clip.split for clip in clips}) > 1
    ]


def _signers(dataset: DatasetStatistics) -> list[dict[str, Any]]:
    """Signers in several splits, with their clips by split."""
    count = Counter((clip.signer, clip.split) for clip in dataset.clips if clip.signer)
    order = {split: position for position, split in enumerate(dataset.splits)}
    clips_of: dict[str, dict[str, int]] = {}
    pairs = (pair for pair in count if pair[1] in order)
    for signer, split in sorted(pairs, key=lambda pair: (len(pair[0]), pair[0], order[pair[1]])):
        clips_of.setdefault(signer, {})[split] = count[signer, split]
    return [{"signer": signer, "clips": clips} for signer, clips in clips_of.items() if len(clips) > 1]
