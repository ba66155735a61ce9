"""The build of a dataset: upload, wait, download."""

# Made from heatsvc/client/asynchronous/building.py by `make client`.
from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import httpx2

from heatsvc.client.bodies import RequestBody
from heatsvc.client.concurrency import sleep
from heatsvc.client.datasets import ENDED, Dataset, build_progress, check_build, check_done, file_to_download
from heatsvc.client.errors import ConnectionFailedError, ServiceError
from heatsvc.client.progress import Progress, ProgressCallback
from heatsvc.client.responses import UNCODED, parse_json
from heatsvc.client.synchronous.connection import Connection
from heatsvc.client.synchronous.download import download

_EVENTS = "text/event-stream"
_POLL_SECONDS = 1.0


def build_dataset(connection: Connection, body: RequestBody, output: Path, report: ProgressCallback) -> Dataset:
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
    reply = connection.request(
        "POST",
        "/annotation",
        body=body,
        headers={"Prefer": "respond-async"},
        report=lambda sent, total: report(Progress("upload", sent, total, "bytes")),
    )
    build = _follow(connection, check_build(reply.json()), report)
    check_done(build)
    files = f"/annotation/{build['id']}/files"
    document = (connection.request("GET", f"{files}/report.json")).json()
    download(
        connection,
        f"{files}/{name}",
        output,
        sha256=next((each["sha256"] for each in build["artifacts"] if each["name"] == name), None),
        report=lambda done, total: report(Progress("download", done, total, "bytes")),
    )
    return Dataset(output, build, cast("dict[str, Any]", document))


def _follow(connection: Connection, build: dict[str, Any], report: ProgressCallback) -> dict[str, Any]:
    """Wait until a build has ended, and return its document. If the stream of events breaks off, poll the document."""
    while build["state"] not in ENDED:
        url = f"/annotation/{build['id']}"
        try:
            # A content coding would hold events back.
            with connection.open("GET", f"{url}/events", accept=_EVENTS, headers=UNCODED) as response:
                for event in httpx2.EventSource(response):
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
            sleep(_POLL_SECONDS)
            build = check_build((connection.request("GET", url)).json())
    return build
