"""How sure the pose estimator was of each point."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.facts import DatasetFacts

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def scores(facts: DatasetFacts) -> list[dict[str, Any]]:
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
