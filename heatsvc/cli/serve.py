"""`heatsvc serve`: run the service under uvicorn, with one or several worker processes."""

from __future__ import annotations

import gc
import os
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from heatsvc import __version__
from heatsvc.cli.errors import CommandError
from heatsvc.errors import DeviceError

if TYPE_CHECKING:
    from heatsvc.settings import Settings

_WORKER_HEALTHCHECK_SECONDS = 60  # uvicorn replaces a worker process that does not respond for so long


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on (setting HEATSVC_HOST).")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on (setting HEATSVC_PORT).")] = None,
    workers: Annotated[int | None, Parameter(help="Worker processes (setting HEATSVC_WORKERS).")] = None,
    root_path: Annotated[
        str | None, Parameter(help="Path prefix that a reverse proxy removes (setting HEATSVC_ROOT_PATH).")
    ] = None,
) -> None:
    """Run the service until it is stopped."""
    # The garbage collector would visit the objects of imports many times. `Service` sets a threshold of its own.
    gc.set_threshold(100_000)
    from heatsvc.settings import load_settings, variable_of

    # The worker processes read their settings from the environment, as this one does.
    for name, given in (("host", host), ("port", port), ("workers", workers), ("root_path", root_path)):
        if given is not None:
            os.environ[variable_of(name)] = str(given)
    settings = load_settings()
    if error := _startup_error(settings):
        raise CommandError(error)

    import uvicorn

    from heatsvc.logs import configure_logs

    configure_logs(settings.log_level)
    print(_welcome(settings.host, settings.port, settings.root_path), file=sys.stderr, flush=True)
    with ExitStack() as stack:
        if settings.workers > 1:
            _set_metrics_folder(stack)
        uvicorn.run(
            "heatsvc.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            http="heatsvc.api.protocol:BoundedHttpToolsProtocol",
            ws="none",
            log_config=None,  # create_app configures logging, in each worker process
            access_log=False,  # the service logs a line of its own, with the request's id
            server_header=False,
            root_path=settings.root_path,
            proxy_headers=bool(settings.forwarded_allow_ips),
            forwarded_allow_ips=settings.forwarded_allow_ips,
            timeout_keep_alive=max(1, round(settings.idle_seconds)),
            timeout_graceful_shutdown=max(1, round(settings.request_seconds)),
            timeout_worker_healthcheck=_WORKER_HEALTHCHECK_SECONDS,
        )


def _startup_error(settings: Settings) -> str | None:
    """Why the service cannot run with these settings, as far as that can be checked before it is started."""
    from heatsvc.jobs.data_directory import DataDirectory

    if problem := DataDirectory(settings.data_dir).check():
        return f"{settings.data_dir}: {problem}"
    if reason := listen_error(settings):
        return reason
    if settings.device.startswith("cuda"):
        from heatsvc.encode.devices import find_gpu

        try:
            find_gpu(settings.device)
        except DeviceError as error:
            return f"HEATSVC_DEVICE={settings.device}: {error}"
    return None


def listen_error(settings: Settings) -> str | None:
    """Why the service cannot listen on the host and port of the settings; None if it can."""
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        return f"cannot listen on {where} (settings HEATSVC_HOST, HEATSVC_PORT): {error.strerror or error}"
    return None


def _set_metrics_folder(stack: ExitStack) -> None:
    """Set and empty the folder of prometheus-client's multiprocess mode: PROMETHEUS_MULTIPROC_DIR, or a new folder."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="heatsvc-metrics-"))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path in Path(folder).glob("*.db"):
        path.unlink()


def _welcome(host: str, port: int, root_path: str) -> str:
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104  # not bound to here
    return (
        f"heatsvc {__version__}: open {address}/ in a browser ({address}/docs is the API's documentation), or send a "
        "request from the clone's root:\n\n"
        f"  curl --compressed --fail-with-body --retry 9 --retry-connrefused -H 'Content-Type: application/json' "
        f"-d @openapi/examples/clip.json {address}/heatmap -o heatmaps.npy\n"
    )
