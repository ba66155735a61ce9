"""The report as JSON, of which the page and the text are made."""

from __future__ import annotations

from typing import Any

from heatsvc.annotation.facts import DatasetFacts
from heatsvc.annotation.faults import FAULTY, MISSING
from heatsvc.annotation.report.classes import absent, by_class, by_split
from heatsvc.annotation.report.fault_groups import fault_groups
from heatsvc.annotation.report.frames import frames
from heatsvc.annotation.report.leaks import leaks
from heatsvc.annotation.report.scores import scores


def report_json(facts: DatasetFacts) -> dict[str, Any]:
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
