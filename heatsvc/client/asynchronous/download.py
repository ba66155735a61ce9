"""Downloads that are resumed where they broke off (RFC 9110, section 14)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heatsvc.client.asynchronous.connection import AsyncConnection
from heatsvc.client.concurrency import run_blocking_async
from heatsvc.client.datasets import finish_download, partial_path
from heatsvc.client.errors import ConnectionFailedError, InvalidResponseError, ServiceError


async def download_async(
    connection: AsyncConnection,
    url: str,
    target: Path,
    *,
    sha256: str | None,
    report: Callable[[int, int | None], None],
) -> None:
    """Write a file of the service, aside until it is whole.

    Each time that the connection breaks after some bytes came, the rest is asked for; what is there stays beside the
    target when the connection fails for good, and is used by the next download of the same bytes.

    Args:
        connection: to the service.
        url: of the file, below the service's.
        target: the file to write.
        sha256: of its bytes, where it is known.
        report: called with the bytes that are there, and of all of it.

    Raises:
        OSError: it cannot be written.
        HeatsvcError: it cannot be had.
    """

    async def look() -> tuple[str, int]:
        async with connection.open("HEAD", url, accept=["*/*"], headers={"Accept-Encoding": "identity"}) as response:
            return response.headers.get("etag", ""), int(response.headers.get("content-length", -1))

    etag, size = await connection.retry(look)
    if not etag or size < 0:
        raise InvalidResponseError(
            f"{connection.url}{url} has no ETag or Content-Length: a proxy may have removed them"
        )
    partial = partial_path(target, etag)

    async def fetch_rest() -> None:
        start = partial.stat().st_size if partial.exists() else 0
        if start > size:
            partial.unlink()
            start = 0
        try:
            await _fetch_async(connection, url, partial, etag, start, size, report)
        except ConnectionFailedError:
            if partial.exists() and partial.stat().st_size > start:
                return  # further than before: the next attempt is again the first
            raise

    while not partial.exists() or partial.stat().st_size != size:
        await connection.retry(fetch_rest)
    await run_blocking_async(finish_download, partial, target, sha256)


async def _fetch_async(
    connection: AsyncConnection,
    url: str,
    partial: Path,
    etag: str,
    start: int,
    size: int,
    report: Callable[[int, int | None], None],
) -> None:
    """Append the bytes from `start` on. A service whose file has changed sends it from its beginning."""
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": etag}
    async with connection.open("GET", url, accept=["*/*"], headers=headers) as response:
        if response.headers.get("etag") != etag:
            raise ServiceError(f"{connection.url}{url} has changed while it was downloaded: download it again")
        if response.status_code != 206:
            start = 0
        elif not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
            raise InvalidResponseError(f"{connection.url}{url} responded with other bytes than those asked for")
        with partial.open("ab" if start else "wb") as file:
            async for chunk in response.aiter_raw():
                if start + len(chunk) > size:
                    raise InvalidResponseError(f"{connection.url}{url} has more than its {size:,} bytes")
                file.write(chunk)
                start += len(chunk)
                report(start, size)
