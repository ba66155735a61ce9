"""Responses as they are checked and read, whichever client received them, and errors of connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt
import orjson

from heatsvc.client.errors import ConnectionFailedError, HeatsvcError, InvalidResponseError

JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that has been received whole.

    Attributes:
        headers: its headers; names in any case.
        content: its body without its content coding, ``[n]``.
    """

    headers: Mapping[str, str]
    content: npt.NDArray[np.uint8]

    @property
    def media_type(self) -> str:
        """Its `Content-Type` without parameters."""
        return media_type_of(self.headers)

    def json(self) -> Any:
        """Its body as JSON.

        Raises:
            InvalidResponseError: it is not.
        """
        return parse_json(self.content.data)


def parse_json(text: str | memoryview) -> Any:
    """A body, or the data of an event, as JSON.

    Raises:
        InvalidResponseError: it is not.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidResponseError(f"the response is not the JSON that it says it is: {error}") from None


def media_type_of(headers: Mapping[str, str]) -> str:
    """The `Content-Type` of a response without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def accept_header(media_types: Sequence[str]) -> str:
    """An `Accept` header in which the first type is preferred."""
    return ", ".join([media_types[0], *(f"{media_type};q=0.5" for media_type in media_types[1:])])


def check_media_type(response: httpx2.Response, accept: Sequence[str]) -> None:
    """Check that a response is of a type that was asked for.

    Raises:
        InvalidResponseError: it is a page of a proxy, or of another service.
    """
    media_type = media_type_of(response.headers)
    if media_type not in accept and "*/*" not in accept:
        raise InvalidResponseError(
            f"{response.request.url.copy_with(query=None)} responded with {media_type or 'no content type'}, not with "
            f"{' or '.join(accept)}: it is no heatsvc service, or a proxy before it responded",
            status=response.status_code,
        )


def connection_error(url: str, error: httpx2.RequestError) -> ConnectionFailedError:
    """What became of a request to `url`, in one line."""
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
    """Whether to send a request again after an error, or the seconds after which.

    A service that wants more than `max_wait` seconds is not asked earlier, but not at all.
    """
    if not isinstance(error, HeatsvcError) or not error.is_temporary:
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= max_wait else False
