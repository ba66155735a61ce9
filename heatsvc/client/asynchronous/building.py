"""The build of a dataset: upload, wait, download."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import httpx2

from heatsvc.client.asynchronous.connection import AsyncConnection
from heatsvc.client.asynchronous.download import download_async
from heatsvc.client.bodies import RequestBody
from heatsvc.client.concurrency import sleep_async
from heatsvc.client.datasets import ENDED, Dataset, build_progress, check_build, check_done, file_to_download
from heatsvc.client.errors import ConnectionFailedError, ServiceError
from heatsvc.client.progress import Progress, ProgressCallback
from heatsvc.client.responses import UNCODED, parse_json

_EVENTS = "text/event-stream"
_POLL_SECONDS = 1.0


async def build_dataset_async(
    connection: AsyncConnection, body: RequestBody, output: Path, report: ProgressCallback
) -> Dataset:
    """Upload a dataset's form, wait for its build, and download the pickle or the archive of all files.

    Args:
        connection: to the service.
        body: the form.
        output: the file to write.
        report: called with the progress of upload, build and download.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the output is neither a pickle nor a zip archive.
        HeatsvcError: a request or the build failed.
    """
    name = file_to_download(output)
    # Before gigabytes are sent: it may not be allowed.
    output.parent.mkdir(parents=True, exist_ok=True)
    reply = await connection.request(
        "POST",
        "/annotation",
        body=body,
        headers={"Prefer": "respond-async"},
        report=lambda sent, total: report(Progress("upload", sent, total, "bytes")),
    )
    build = await _follow_async(connection, check_build(reply.json()), report)
    check_done(build)
    files = f"/annotation/{build['id']}/files"
    document = (await connection.request("GET", f"{files}/report.json")).json()
    await download_async(
        connection,
        f"{files}/{name}",
        output,
        sha256=next((each["sha256"] for each in build["artifacts"] if each["name"] == name), None),
        report=lambda done, total: report(Progress("download", done, total, "bytes")),
    )
    return Dataset(output, build, cast("dict[str, Any]", document))


async def _follow_async(connection: AsyncConnection, build: dict[str, Any], report: ProgressCallback) -> dict[str, Any]:
    """Wait until a build has ended, and return its document. If the stream of events breaks off, poll the document."""
    while build["state"] not in ENDED:
        url = f"/annotation/{build['id']}"
        try:
            # A content coding would hold events back.
            async with connection.open("GET", f"{url}/events", accept=_EVENTS, headers=UNCODED) as response:
                async for event in httpx2.EventSource(response):
                    if not event.data:  # it has only the time after which to reconnect
                        continue
                    build = check_build(parse_json(event.data))
                    if build["state"] not in ENDED:
                        report(build_progress(build))
        except ConnectionFailedError:
            pass  # the service may be restarting; the build survives that
        except ServiceError as error:
            if not error.is_temporary:
                raise
        if build["state"] not in ENDED:
            await sleep_async(_POLL_SECONDS)
            build = check_build((await connection.request("GET", url)).json())
    return build
