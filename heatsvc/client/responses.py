"""Reply, a response that has been received, and the errors that responses and connections stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt
import orjson

from heatsvc.client.errors import (
    ConnectionFailedError,
    HeatsvcError,
    InvalidResponseError,
    ServiceError,
    describe_problem,
)

JSON = "application/json"
PROBLEM = "application/problem+json"
ANY = "*/*"
UNCODED = {"Accept-Encoding": "identity"}
"""Headers that request a response without a content coding."""

_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that has been received completely.

    Attributes:
        headers: its headers; names are case-insensitive.
        content: its decoded body, ``[n]``.
    """

    headers: Mapping[str, str]
    content: npt.NDArray[np.uint8]

    def json(self) -> Any:
        """Parse the body as JSON.

        Raises:
            InvalidResponseError: it is no JSON.
        """
        return parse_json(self.content.data)


def parse_json(text: str | memoryview) -> Any:
    """Parse a body, or the data of an event, as JSON.

    Raises:
        InvalidResponseError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidResponseError(f"the response is not the JSON that it says it is: {error}") from None


def media_type_of(headers: Mapping[str, str]) -> str:
    """The `Content-Type` of a response without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def check_media_type(response: httpx2.Response, accept: str) -> None:
    """Check that a response has the media type that was requested.

    Raises:
        InvalidResponseError: it is a page of a proxy, or of another service.
    """
    media_type = media_type_of(response.headers)
    if accept not in (media_type, ANY):
        raise InvalidResponseError(
            f"{response.request.url.copy_with(query=None)} responded with {media_type or 'no content type'}, not with "
            f"{accept}: it is no heatsvc service, or a proxy before it responded",
            status=response.status_code,
        )


def error_of_response(url: str, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
    """The error that a response with a status of 300 or more stands for.

    Args:
        url: of the request.
        status: of the response.
        headers: of the response.
        body: the decoded body; not needed if it is no problem document.
    """
    retry_after = _parse_retry_after(headers.get("retry-after"))
    problem = _parse_problem(headers, body)
    if problem is not None:
        return ServiceError(describe_problem(problem, status), status=status, problem=problem, retry_after=retry_after)
    if 300 <= status < 400:
        to = headers.get("location", "another URL")
        return ServiceError(
            f"{url} redirects to {to:.{_MAX_SHOWN}} ({status}): give the client that URL", status=status
        )
    media_type = media_type_of(headers) or "no content type"
    phrase = responses.get(status, "an unknown status")
    message = (
        f"{url} responded {status} {phrase} with {media_type:.{_MAX_SHOWN}}, which is not heatsvc's own error: "
        "a proxy before the service, or another service, sent it"
    )
    return ServiceError(message, status=status, retry_after=retry_after)


def _parse_problem(headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:
    """The problem document of a response; None if it has none."""
    if media_type_of(headers) != PROBLEM:
        return None
    try:
        problem = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return problem if isinstance(problem, dict) else None


def _parse_retry_after(header: str | None) -> float | None:
    """The seconds of a `Retry-After` header, a number or a date (RFC 9110, section 10.2.3); None if it has none."""
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


def connection_error(url: str, error: httpx2.RequestError) -> ConnectionFailedError:
    """The error of a request to `url` that got no response."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return ConnectionFailedError(
            f"cannot connect to {url}: {reason}. Is the service running there?", is_temporary=True
        )
    if isinstance(error, httpx2.TimeoutException):
        return ConnectionFailedError(
            f"{url} did not respond within the client's timeout ({type(error).__name__})", is_temporary=False
        )
    if isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError):
        return ConnectionFailedError(f"the connection to {url} broke: {reason}", is_temporary=True)
    return ConnectionFailedError(f"the request to {url} cannot be sent: {reason}", is_temporary=False)


def retry_wait(error: Exception, max_wait: float) -> bool | float:
    """Whether to send a request again after an error, or the seconds after which to send it.

    If the service asks for a wait of more than `max_wait` seconds, the request is not sent again.
    """
    if not isinstance(error, HeatsvcError) or not error.is_temporary:
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= max_wait else False
