"""HeatsvcError and its subclasses: why a request failed. Each message is one line."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class HeatsvcError(Exception):
    """A request that failed.

    Attributes:
        status: the status code of the response; None without a response.
        problem: the problem document of the response (RFC 9457), ``{"detail": ..., "field": ..., "file": ...,
            "frame": ...}``; None without one.
        retry_after: seconds of the response's `Retry-After`; None without one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(_one_line(message))
        self.status = status
        self.problem = None if problem is None else dict(problem)
        self.retry_after = retry_after

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed a little later."""
        return False


class ConnectionFailedError(HeatsvcError):
    """The connection failed or broke off, or there was no response in time."""

    def __init__(self, message: str, *, is_temporary: bool) -> None:
        super().__init__(message)
        self._is_temporary = is_temporary

    @property
    def is_temporary(self) -> bool:
        """A failed connection may succeed when it is tried again. A retry after a timeout would only add load."""
        return self._is_temporary


class ServiceError(HeatsvcError):
    """The response is an error: its status is 400 or more, or a redirect."""

    @property
    def is_temporary(self) -> bool:
        """The service is busy or still starting (503)."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE


class BuildFailedError(ServiceError):
    """A dataset was not built; `problem` counts the faults by kind, and has the URL of the report.

    Attributes:
        build: the document of the build.
    """

    def __init__(self, message: str, *, build: Mapping[str, Any], problem: Mapping[str, Any] | None) -> None:
        status = (problem or {}).get("status")
        super().__init__(message, status=status, problem=problem)
        self.build = dict(build)


class InvalidResponseError(HeatsvcError):
    """A response that is not one of heatsvc: of another media type, cut short, or larger than allowed."""


def describe_problem(problem: Mapping[str, Any], status: int | None) -> str:
    """A problem document in one line: ``keypoint[1][3] has 1 numbers ... (422; field keypoint, frame 1)``."""
    detail = str(problem.get("detail") or problem.get("title") or "no reason is given")
    places = [f"{name} {problem[name]}" for name in ("field", "file", "frame") if problem.get(name) is not None]
    where = [*([str(status)] if status else []), *([", ".join(places)] if places else [])]
    return _one_line(f"{detail} ({'; '.join(where)})" if where else detail)


def _one_line(text: str) -> str:
    """Text without line breaks and control characters, which a terminal would obey: it may be a stranger's."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
