"""AsyncConnection: sends requests to one service, retries them, and raises HeatsvcError if they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import cast

import httpx2
import stamina

from heatsvc.client.bodies import RequestBody
from heatsvc.client.concurrency import AsyncUploadStream, run_blocking_async
from heatsvc.client.errors import InvalidResponseError, ServiceError
from heatsvc.client.responses import (
    JSON,
    PROBLEM,
    Reply,
    check_media_type,
    connection_error,
    error_of_response,
    media_type_of,
    retry_wait,
)
from heatsvc.client.volumes import CODING, decode_content

_MAX_ERROR_BYTES = 1 << 20
_CONNECT_SECONDS = 10.0
# Before the second, third, ... attempt, where the service does not say when to come back; doubled each time.
_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.1, 5.0, 0.1


class AsyncConnection:
    """Connections to one service, kept open between requests.

    Args:
        url: of the service, ``http://127.0.0.1:8000``.
        api_key: sent as a bearer token.
        timeout: seconds that the service may be silent.
        retries: how often a request is retried after a 503 or a failed connection.
        max_retry_wait: maximum number of seconds before a retry.
        max_bytes: largest size of a decoded response.
        transport: of httpx2, instead of the network.

    Attributes:
        url: of the service, without a slash at its end.
        retry: calls a function and retries it after temporary errors: ``await retry(function, *args)``.

    Raises:
        ValueError: the URL is none of http or https, or is broken, or the key has characters that a header cannot have.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None,
        timeout: float,
        retries: int,
        max_retry_wait: float,
        max_bytes: int,
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"the service's URL must begin with http:// or https://, not be {url!r:.100}")
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("the API key has a character that a header cannot have, such as a line break")
        try:
            httpx2.URL(url)
        except httpx2.InvalidURL as error:
            raise ValueError(f"{url!r:.100} is no URL: {error}") from None
        self.url = url.rstrip("/")
        self._max_bytes = max_bytes
        self.retry = stamina.AsyncRetryingCaller(
            attempts=1 + retries,
            timeout=None,
            wait_initial=min(_FIRST_WAIT, max_retry_wait),
            wait_max=min(_LONGEST_WAIT, max_retry_wait),
            wait_jitter=min(_JITTER, max_retry_wait),
        ).on(lambda error: retry_wait(error, max_retry_wait))
        headers = {"Accept-Encoding": CODING}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            headers=headers,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS), pool=None),
            transport=transport,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        accept: str = JSON,
        body: RequestBody | None = None,
        headers: Mapping[str, str] | None = None,
        report: Callable[[int, int | None], None] | None = None,
    ) -> Reply:
        """Send a request, retry it after temporary errors, and receive the response.

        Args:
            method: the HTTP method.
            path: relative to the service's URL.
            accept: the media type of the response.
            body: of the request.
            headers: in addition to the client's own.
            report: called with the number of bytes of a form that have been sent, and their total.

        Raises:
            HeatsvcError: the request failed, or the response is another one.
        """

        async def send() -> Reply:
            async with self.open(method, path, accept=accept, body=body, headers=headers, report=report) as response:
                return await self._receive(response)

        return await self.retry(send)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        accept: str = JSON,
        body: RequestBody | None = None,
        headers: Mapping[str, str] | None = None,
        report: Callable[[int, int | None], None] | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request once, and give its response before the body is read. Arguments are those of `request`."""
        body = body or RequestBody()
        try:
            request = self._http.build_request(
                method,
                path,
                params=body.params,
                headers={"Accept": accept, **body.headers, **(headers or {})},
                content=body.content,
                data=body.fields or None,
                files=body.files or None,
            )
            response = await self._http.send(_with_counted_files(request, body, report), stream=True)
            try:
                if response.status_code >= 300:
                    raise await _error(response)
                check_media_type(response, accept)
                yield response
            finally:
                await response.aclose()
        except httpx2.RequestError as error:
            raise connection_error(self.url, error) from error

    async def _receive(self, response: httpx2.Response) -> Reply:
        # No coding makes a body longer by more than this.
        encoded = await _read(response, self._max_bytes + self._max_bytes // 1024 + 1024)
        coding = response.headers.get("content-encoding", "").strip().lower()
        return Reply(response.headers, await run_blocking_async(decode_content, encoded, coding, self._max_bytes))


async def _error(response: httpx2.Response) -> ServiceError:
    """The error that a response stands for. The body is read only if it is a problem document."""
    url = str(response.request.url.copy_with(query=None))
    body = b""
    if response.request.method != "HEAD" and media_type_of(response.headers) == PROBLEM:
        encoded = await _read(response, _MAX_ERROR_BYTES)
        body = decode_content(encoded, response.headers.get("content-encoding", ""), _MAX_ERROR_BYTES).tobytes()
    return error_of_response(url, response.status_code, response.headers, body)


def _with_counted_files(
    request: httpx2.Request, body: RequestBody, report: Callable[[int, int | None], None] | None
) -> httpx2.Request:
    """The request; if it has files, one that reads them in a thread and counts their bytes while it is sent."""
    if not body.files:
        return request
    length = request.headers.get("content-length")
    total = None if length is None else int(length)
    stream = AsyncUploadStream(
        cast("httpx2.SyncByteStream", request.stream), lambda sent: None if report is None else report(sent, total)
    )
    return httpx2.Request(
        request.method, request.url, headers=request.headers, stream=stream, extensions=request.extensions
    )


async def _read(response: httpx2.Response, limit: int) -> bytes:
    """Read a body without decoding it.

    Raises:
        InvalidResponseError: it is longer than `limit`.
    """
    chunks, size = [], 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > limit:
            raise InvalidResponseError(f"the response has more than {limit:,} bytes, the client's limit")
        chunks.append(chunk)
    return b"".join(chunks)
