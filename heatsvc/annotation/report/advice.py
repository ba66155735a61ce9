"""Advice: the important findings of a report, and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.inspection.findings import SEVERITIES, Severity

# By kind of fault.
WHAT_TO_DO: dict[str, str] = {
    "no_file": "Run the pose estimator on these videos, or leave them out with missing=drop.",
    "no_frames": "Run the pose estimator on these videos again, or leave them out with missing=drop.",
    "no_keypoints": "Look at the videos: nobody may be in them. missing=drop leaves them out.",
    "cut_short": "Copy these files again: they end too early. faulty=drop leaves them out.",
    "wrong_points": "Make these files with the pose estimator that made the others, or give their layout.",
    "not_finite": "Make these files again, or leave them out with faulty=drop.",
    "out_of_range": "Ask for dtype=float32, or look at the coordinates: they may not be pixels.",
    "implausible": "Give coordinates=normalized, project=xy or the right img_shape, as the details say; "
    "plausibility=warn takes the numbers as they are.",
    "unreadable": "Look at what these files are. faulty=drop leaves them out.",
    "unlabelled": "Add them to the labels, if they should be trained on; otherwise nothing needs to be done.",
    "trim_too_long": "Compare the trimmed videos with those that the keypoints are from: they do not belong together.",
    "trim_unknown": "Check the names in the trim table; otherwise nothing needs to be done.",
    "frame_range": "Give frame_range=apply where the files are of whole videos, frame_range=ignore where they are not.",
    "in_two_splits": "Take each name out of one of its splits, or choose split_policy=first or drop.",
    "in_no_split": "Add these names to a split, or leave them out with split_policy=drop.",
    "unknown_to_labels": "Add a label for these names or take them out of the split, or choose split_policy=drop.",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding.

    Attributes:
        severity: ``error`` prevented the build, ``warning`` makes training or testing worse, ``note`` is harmless.
        text: what was found.
        what_to_do: what would change it; "" where nothing is needed.
    """

    severity: Severity
    text: str
    what_to_do: str = ""


_FEW = 3
_HARMLESS = ("unlabelled", "trim_unknown")


def advice(report: dict[str, Any]) -> list[Advice]:
    """All advice on a report of `report_json`, the worst first."""
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
            found.append(
                Advice("warning", text, "Give the option encoding: another one where these are not the labels.")
            )
        if source["classes"] and not source["rows"]:
            text = f"{source['file']}{more}: taken for a list of {_of(source['classes'], 'class', 'classes')}: {labels}"
            found.append(Advice("note", text))
    assumed = (f"{file}: the encoding is assumed to be cp949" for file in report["split"]["assumed"])
    found += [Advice("warning", text, "Give the option encoding.") for text in assumed]
    if report["split"]["column"] is not None:
        found.append(Advice("note", f"the splits are those of the column {report['split']['column']!r} of the labels"))
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
        found.append(Advice("warning", text, "Leave one of each group out: the test has seen its answer in training."))
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
        found.append(
            Advice("warning", text, "The model has a class that is never seen: leave these rows out by a filter.")
        )
    for split, labels in absent.items():
        if only := labels - nowhere:
            text = f"{_of(len(only), 'class', 'classes')} without a clip in {split}"
            found.append(Advice("warning", text, "Choose another split, if it is to be learned and tested."))
    return found


def _of_points(summary: dict[str, Any]) -> list[Advice]:
    if not summary["undetected"]:
        return []
    share = summary["undetected"] / max(1, summary["points_written"])
    return [Advice("note", f"{summary['undetected']:,} points ({share:.2%}) were NaN and are zeros with score 0")]


def _of(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
