"""Advice: the important findings of a report, and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.inspection.findings import SEVERITIES, Severity

WHAT_TO_DO: dict[str, str] = {
    "no_file": "Run the pose estimator on these videos, or leave them out with missing=drop.",
    "no_frames": "Run the pose estimator on these videos again, or leave them out with missing=drop.",
    "no_keypoints": "Check the videos: they may show no person. missing=drop leaves them out.",
    "cut_short": "Copy these files again: they are truncated. faulty=drop leaves them out.",
    "wrong_points": "Make these files with the same pose estimator as the others, or set their layout.",
    "not_finite": "Make these files again, or leave them out with faulty=drop.",
    "out_of_range": "Set dtype=float32, or check the coordinates: they may not be pixels.",
    "implausible": "Set coordinates=normalized, project=xy or the right img_shape, as the details say; "
    "plausibility=warn accepts the numbers.",
    "unreadable": "Check these files. faulty=drop leaves them out.",
    "unlabelled": "Add them to the labels if they should be used for training; otherwise ignore this.",
    "trim_too_long": "Check that the trimmed videos belong to the keypoints: they are longer.",
    "trim_unknown": "Check the names in the trim table; if they are right, ignore this.",
    "frame_range": "Set frame_range=apply if the files show whole videos, or frame_range=ignore if they do not.",
    "in_two_splits": "Remove each name from one of its splits, or set split_policy=first or drop.",
    "in_no_split": "Add these names to a split, or leave them out with split_policy=drop.",
    "unknown_to_labels": "Add labels for these names, remove them from the split, or set split_policy=drop.",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """A finding and its advice.

    Attributes:
        severity: ``error`` prevented the build, ``warning`` makes training or testing worse, ``note`` is harmless.
        text: what was found.
        what_to_do: how to correct it; "" if nothing needs to be done.
    """

    severity: Severity
    text: str
    what_to_do: str = ""


_FEW = 3
_HARMLESS = ("unlabelled", "trim_unknown")


def advice(report: dict[str, Any]) -> list[Advice]:
    """All advice about a report of `report_json`, the worst first."""
    found = [
        *_of_mismatch(report),
        *_of_faults(report),
        *_of_findings(report),
        *_of_labels(report),
        *_of_leaks(report["leaks"]),
        *_of_classes(report),
        *_of_points(report["summary"]),
        *(Advice("note", text) for text in report["notes"]),
    ]
    return sorted(found, key=lambda item: SEVERITIES.index(item.severity))


def _of_mismatch(report: dict[str, Any]) -> list[Advice]:
    return [Advice("error", report["mismatch"])] if report["mismatch"] else []


def _of_labels(report: dict[str, Any]) -> list[Advice]:
    found = []
    for source in report["labels"]:
        more = f" and {source['files'] - 1:,} more" if source["files"] > 1 else ""
        labels = ", ".join(source["labels"])
        if source["assumed"]:
            text = f"{source['file']}{more}: the encoding is assumed to be {source['encoding']}: {labels}"
            found.append(Advice("warning", text, "If these labels are wrong, set the option encoding."))
        if source["classes"] and not source["rows"]:
            text = f"{source['file']}{more}: read as a list of {_of(source['classes'], 'class', 'classes')}: {labels}"
            found.append(Advice("note", text))
    assumed = (f"{file}: the encoding is assumed to be cp949" for file in report["split"]["assumed"])
    found += [Advice("warning", text, "Set the option encoding.") for text in assumed]
    if report["split"]["column"] is not None:
        found.append(Advice("note", f"the splits are from the column {report['split']['column']!r} of the labels"))
    return found


def _of_faults(report: dict[str, Any]) -> list[Advice]:
    found = []
    for group in report["faults"]:
        done = ", ".join(f"{number:,} {what}" for what, number in group["done"].items())
        text = f"{group['kind']}: {group['meaning']} ({group['count']:,}{f'; {done}' if done else ''})"
        severity: Severity = "note" if group["kind"] in _HARMLESS else "warning"
        found.append(Advice("error" if group["done"].get("refused") else severity, text, WHAT_TO_DO[group["kind"]]))
    return found


def _of_findings(report: dict[str, Any]) -> list[Advice]:
    found = []
    for group in report["findings"]:
        names = ", ".join(f"{item['name']!s:.60}" for item in group["items"][:_FEW])
        more = ", ..." if group["count"] > _FEW else ""
        text = f"{group['code']}: {group['meaning']} ({_of(group['count'], 'clip')}: {names}{more})"
        found.append(Advice("warning", text, group["what_to_do"]))
    return found


def _of_leaks(leaks: dict[str, Any]) -> list[Advice]:
    found = []
    if number := len(leaks["content"]):
        text = f"{_of(number, 'group')} of clips with equal points in more than one split"
        found.append(
            Advice("warning", text, "Remove all but one clip of each group: test clips are also in the training data.")
        )
    if number := len(leaks["signers"]):
        text = f"{_of(number, 'signer')} in more than one split"
        found.append(Advice("warning", text, "Split by signer, to test with new signers."))
    return found


def _of_classes(report: dict[str, Any]) -> list[Advice]:
    absent = {split: set(labels) for split, labels in report["absent"].items()}
    nowhere = set.intersection(*absent.values()) if absent else set()
    found = []
    if nowhere:
        text = f"{_of(len(nowhere), 'class', 'classes')} without a clip in any split"
        found.append(Advice("warning", text, "The model never sees these classes: exclude their rows with a filter."))
    for split, labels in absent.items():
        if only := labels - nowhere:
            text = f"{_of(len(only), 'class', 'classes')} without a clip in {split}"
            found.append(Advice("warning", text, "Choose another split if these classes should be trained and tested."))
    return found


def _of_points(summary: dict[str, Any]) -> list[Advice]:
    if not summary["undetected"]:
        return []
    share = summary["undetected"] / max(1, summary["points_written"])
    return [Advice("note", f"{summary['undetected']:,} points ({share:.2%}) were NaN and are zeros with score 0")]


def _of(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
