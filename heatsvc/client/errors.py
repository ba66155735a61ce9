"""HeatsvcError and its subclasses: why a request has no result. Each is one line of text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import responses
from typing import Any

import orjson

_MAX_SHOWN = 200


class HeatsvcError(Exception):
    """A request without a result.

    Attributes:
        status: the status code of the response; None where there was none.
        problem: the problem document of the response (RFC 9457), ``{"detail": ..., "field": ..., "file": ...,
            "frame": ...}``; None where there is none.
        retry_after: seconds after which the service wants the request again; None where it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = None if problem is None else dict(problem)
        self.retry_after = retry_after

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed a little later."""
        return False


class ConnectionFailedError(HeatsvcError):
    """No connection, one that broke in the middle, or no response in time."""

    def __init__(self, message: str, *, is_temporary: bool) -> None:
        super().__init__(message)
        self._is_temporary = is_temporary

    @property
    def is_temporary(self) -> bool:
        """A broken connection may be tried again; a service that is too slow would only get more to do."""
        return self._is_temporary


class ServiceError(HeatsvcError):
    """The response is an error: its status is 400 or more, or a redirect."""

    @property
    def is_temporary(self) -> bool:
        """The service is busy, or about to be started (503)."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE


class BuildFailedError(ServiceError):
    """A dataset was not built; `problem` counts the faults by kind, and names its report.

    Attributes:
        build: the document of the build.
    """

    def __init__(self, message: str, *, build: Mapping[str, Any], problem: Mapping[str, Any] | None) -> None:
        status = (problem or {}).get("status")
        super().__init__(message, status=status, problem=problem)
        self.build = dict(build)


class InvalidResponseError(HeatsvcError):
    """A response that a heatsvc service does not give: of another type, cut short, or larger than allowed."""


def describe_problem(problem: Mapping[str, Any], status: int | None) -> str:
    """A problem document in one line: ``keypoint[1][3] has 1 numbers ... (422; field keypoint, frame 1)``."""
    detail = _one_line(str(problem.get("detail") or problem.get("title") or "no reason is given"))
    places = [f"{name} {problem[name]}" for name in ("field", "file", "frame") if problem.get(name) is not None]
    where = [*([str(status)] if status else []), *([_one_line(", ".join(places))] if places else [])]
    return f"{detail} ({'; '.join(where)})" if where else detail


def error_of_response(url: str, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
    """The error that a response with a status of 300 or more is.

    Args:
        url: what was requested.
        status: its status code.
        headers: its headers.
        body: without its content coding; of a page its beginning is enough.
    """
    retry_after = parse_retry_after(headers.get("retry-after"))
    problem = parse_problem(headers.get("content-type", ""), body)
    if problem is not None:
        return ServiceError(describe_problem(problem, status), status=status, problem=problem, retry_after=retry_after)
    if 300 <= status < 400:
        to = headers.get("location", "another URL")
        return ServiceError(
            f"{url} redirects to {to:.{_MAX_SHOWN}} ({status}): give the client that URL", status=status
        )
    media_type = headers.get("content-type", "").partition(";")[0] or "no content type"
    phrase = responses.get(status, "an unknown status")
    message = (
        f"{url} responded {status} {phrase} with {media_type:.{_MAX_SHOWN}}, which is not heatsvc's own error: "
        "a proxy before the service, or another service, sent it"
    )
    return ServiceError(message, status=status, retry_after=retry_after)


def parse_problem(content_type: str, body: bytes) -> dict[str, Any] | None:
    """The problem document of a response; None where it has none."""
    if content_type.partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        problem = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return problem if isinstance(problem, dict) else None


def parse_retry_after(header: str | None) -> float | None:
    """The seconds of a `Retry-After` header, a number or a date (RFC 9110, section 10.2.3); None where it has none."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _one_line(text: str) -> str:
    return " ".join(text.split())
