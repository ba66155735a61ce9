"""Downloads that are resumed where they broke off (RFC 9110, section 14)."""

# Made from heatsvc/client/asynchronous/download.py by `make client`.
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heatsvc.client.concurrency import run_blocking
from heatsvc.client.errors import ConnectionFailedError, InvalidResponseError, ServiceError
from heatsvc.client.partial_files import finish_download, partial_path
from heatsvc.client.responses import ANY, UNCODED
from heatsvc.client.synchronous.connection import Connection


def download(
    connection: Connection,
    url: str,
    target: Path,
    *,
    sha256: str | None,
    report: Callable[[int, int | None], None],
) -> None:
    """Download a file. It is written beside its target, and moved there when it is complete.

    If the connection breaks after some bytes, the rest is requested. If the connection fails for good, the part that
    was received stays, and the next download of the same bytes continues it.

    Args:
        connection: to the service.
        url: of the file, relative to the service's URL.
        target: the file to write.
        sha256: of its bytes, if known.
        report: called with the number of bytes received, and their total.

    Raises:
        OSError: the target cannot be written.
        HeatsvcError: the download failed.
    """

    def request_head() -> tuple[str, int]:
        with connection.open("HEAD", url, accept=ANY, headers=UNCODED) as response:
            return response.headers.get("etag", ""), int(response.headers.get("content-length", -1))

    etag, size = connection.retry(request_head)
    if not etag or size < 0:
        raise InvalidResponseError(
            f"{connection.url}{url} has no ETag or Content-Length: a proxy may have removed them"
        )
    partial = partial_path(target, etag)

    def fetch_rest() -> None:
        start = partial.stat().st_size if partial.exists() else 0
        if start > size:
            partial.unlink()
            start = 0
        try:
            _fetch(connection, url, partial, etag, start, size, report)
        except ConnectionFailedError:
            if partial.exists() and partial.stat().st_size > start:
                return  # progress was made, so the attempts are counted anew
            raise
        if partial.stat().st_size <= start < size:
            raise InvalidResponseError(f"{connection.url}{url} has fewer than its {size:,} bytes")

    while not partial.exists() or partial.stat().st_size != size:
        connection.retry(fetch_rest)
    run_blocking(finish_download, partial, target, sha256)


def _fetch(
    connection: Connection,
    url: str,
    partial: Path,
    etag: str,
    start: int,
    size: int,
    report: Callable[[int, int | None], None],
) -> None:
    """Append the bytes from `start` on. If the file on the service has changed, it is sent from its beginning."""
    resumption = {"Range": f"bytes={start}-", "If-Range": etag} if start else {}
    with connection.open("GET", url, accept=ANY, headers={**UNCODED, **resumption}) as response:
        if response.headers.get("etag") != etag:
            raise ServiceError(f"{connection.url}{url} has changed while it was downloaded: download it again")
        if response.status_code != 206:
            start = 0
        elif not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
            raise InvalidResponseError(f"{connection.url}{url} responded with other bytes than those asked for")
        with partial.open("ab" if start else "wb") as file:
            for chunk in response.iter_raw():
                if start + len(chunk) > size:
                    raise InvalidResponseError(f"{connection.url}{url} has more than its {size:,} bytes")
                file.write(chunk)
                start += len(chunk)
                report(start, size)
