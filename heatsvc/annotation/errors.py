"""What is wrong with a dataset."""

from __future__ import annotations

from typing import Any

from heatsvc.errors import InputError


class AnnotationError(InputError):
    """Labels, a split, frame counts or options that do not fit together, or that cannot be read."""


class FaultsError(AnnotationError):
    """Videos that the options do not allow to be as they are: each was told of in the report.

    Attributes:
        report: the report as JSON, with every fault.
    """

    def __init__(self, detail: str, report: dict[str, Any]):
        super().__init__(detail)
        self.report = report
