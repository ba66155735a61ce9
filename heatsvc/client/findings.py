"""Findings of the service in clips, as Python warnings."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from heatsvc.pose.findings import Code

_FINDING = re.compile(r"\s*([a-z_]+)\s*(?:;\s*clips=([0-9]{1,9}))?\s*")


def describe_findings(header: str | None, name: str = "") -> list[str]:
    """Describe the header `X-Heatmap-Warning`, such as ``points_outside;clips=3, score_range;clips=1``, in sentences.

    Args:
        header: its value; None if the response has none.
        name: of the clip, if it is one of several.
    """
    if not header:
        return []
    from heatsvc.pose.findings import CODES  # imported late, since it loads the kernels

    described = []
    for text in header.split(","):
        found = _FINDING.fullmatch(text)
        if found is None:
            continue
        code, clips = found[1], int(found[2] or 1)
        meaning = CODES.get(cast("Code", code))
        words = f"{meaning.text}. {meaning.what_to_do}" if meaning else "see the service's documentation"
        where = f" in {clips} clips" if clips > 1 else ""
        described.append(f"{f'{name}: ' if name else ''}{code}{where}: {words}")
    return described


def warn(findings: Sequence[str], stacklevel: int) -> None:
    """Issue a `PlausibilityWarning` for each finding.

    Args:
        findings: as `describe_findings` gives them.
        stacklevel: as in `warnings.warn`, counted from the caller of this function.
    """
    if not findings:
        return
    from heatsvc.pose.findings import PlausibilityWarning

    for finding in findings:
        warnings.warn(finding, PlausibilityWarning, stacklevel=stacklevel + 1)
