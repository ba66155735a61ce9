"""AnnotationError and FaultsError, the errors about a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from heatsvc.annotation.artifacts import Artifact
from heatsvc.errors import InputError, LimitError


class AnnotationError(InputError):
    """Labels, a split, frame counts or options cannot be read, or contradict each other."""


class FaultsError(AnnotationError):
    """Videos have faults that the options do not allow.

    Attributes:
        report: the report as JSON, with every fault.
        artifacts: the files of the report.
    """

    def __init__(self, detail: str, report: dict[str, Any], artifacts: tuple[Artifact, ...] = ()):
        super().__init__(detail)
        self.report = report
        self.artifacts = artifacts


@contextmanager
def as_annotation_errors(file: str) -> Iterator[None]:
    """Raise input errors as an AnnotationError with `file`, except for a LimitError."""
    try:
        yield
    except LimitError:
        raise
    except InputError as error:
        raise AnnotationError(error.detail, file=file) from None
