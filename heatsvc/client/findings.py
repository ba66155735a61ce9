"""What the service found doubtful in clips, as warnings of Python."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

_FINDING = re.compile(r"\s*([a-z_]+)\s*(?:;\s*clips=(\d+))?\s*")


def describe_findings(header: str | None, name: str = "") -> list[str]:
    """The header `X-Heatmap-Warning` in words: ``points_outside;clips=3`` and others, separated by commas.

    Args:
        header: its value; None where there is none.
        name: of the clip, where it is one of several.
    """
    if not header:
        return []
    from heatsvc.pose.findings import CODES  # loads the kernels

    described = []
    for text in header.split(","):
        found = _FINDING.fullmatch(text)
        if found is None:
            continue
        code, clips = found[1], int(found[2] or 1)
        meaning = next((meaning for known, meaning in CODES.items() if known == code), None)
        words = f"{meaning.text}. {meaning.what_to_do}" if meaning else "see the service's documentation"
        where = f" in {clips} clips" if clips > 1 else ""
        described.append(f"{f'{name}: ' if name else ''}{code}{where}: {words}")
    return described


def warn(findings: Sequence[str], stacklevel: int) -> None:
    """Issue a `PlausibilityWarning` for each.

    Args:
        findings: as `describe_findings` gives them.
        stacklevel: as in `warnings.warn`, counted from the caller of this function.
    """
    if not findings:
        return
    from heatsvc.pose.findings import PlausibilityWarning

    for finding in findings:
        warnings.warn(finding, PlausibilityWarning, stacklevel=stacklevel + 1)
