"""`heatsvc serve`: answers requests, from one process or from several."""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from heatsvc import __version__
from heatsvc.cli.in_force import in_force
from heatsvc.cli.memory import keep_freed_memory

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from heatsvc.api.board import Seat
    from heatsvc.api.service import Service
    from heatsvc.api.turn import Turn
    from heatsvc.cli.children import Parent
    from heatsvc.settings import Settings

_BACKLOG = 2048
_NO_SUCH_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
# That a worker whose parent was killed may take over the requests it has.
_ORPHAN_SECONDS = 30.0


def add_serve(commands: Any) -> None:
    """Describe the command."""
    serve = commands.add_parser("serve", help="answer requests")
    serve.add_argument("--host", help="address to listen on (setting HEATSVC_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on (setting HEATSVC_PORT)")
    serve.add_argument("--workers", type=int, metavar="N", help="processes that answer (setting HEATSVC_WORKERS)")
    serve.set_defaults(run=_serve)


def _serve(parsed: argparse.Namespace) -> int:
    given = {name: getattr(parsed, name) for name in ("host", "port", "workers") if getattr(parsed, name) is not None}
    settings = in_force(**given)
    try:
        sockets = _listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        print(
            f"heatsvc: cannot listen on {where} (settings HEATSVC_HOST, HEATSVC_PORT): {error.strerror or error}",
            file=sys.stderr,
        )
        return 1

    from heatsvc.logs import configure_logs

    configure_logs(settings.log_level)
    keep_freed_memory()
    return _serve_alone(settings, sockets) if settings.workers == 1 else _serve_together(settings, sockets)


def _listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at every address that the host's name has.

    Raises:
        OSError: there is no such address, or somebody else has it.
    """
    sockets: list[socket.socket] = []
    found = dict.fromkeys(socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE))
    for number, (family, kind, protocol, _, address) in enumerate(found, start=1):
        try:
            bound = socket.socket(family, kind, protocol)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(address)
            bound.listen(_BACKLOG)
        except OSError as error:
            # A name such as localhost may have an IPv6 address on a machine that has no IPv6.
            if error.errno not in _NO_SUCH_ADDRESS or (number == len(found) and not sockets):
                raise
        else:
            sockets.append(bound)
    return sockets


def _config(app: FastAPI, settings: Settings, **more: Any) -> uvicorn.Config:
    import uvicorn

    from heatsvc.api.connection import Connection

    return uvicorn.Config(
        app,
        access_log=False,  # the service writes its own line, with the request's id
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here asks who the client is
        http=Connection,
        ws="none",
        timeout_keep_alive=int(settings.idle_seconds) or 1,
        backlog=_BACKLOG,
        **more,
    )


def _serve_alone(settings: Settings, sockets: list[socket.socket]) -> int:
    import uvicorn

    from heatsvc.app import create_app
    from heatsvc.cli.children import STARTUP_FAILURE

    app = create_app(settings)
    _announce_when_ready(app.state.service)
    server = uvicorn.Server(_config(app, settings))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets)
    return 0 if server.started else STARTUP_FAILURE


def _serve_together(settings: Settings, sockets: list[socket.socket]) -> int:
    """From several processes: copies of this one, made once it has loaded all that they have in common."""
    from heatsvc.api.board import Board
    from heatsvc.api.turn import Turn
    from heatsvc.cli.children import Children, Job

    if settings.device.startswith("cuda") and not _has_gpu(settings.device):
        return 1
    try:
        _load()
    except KeyboardInterrupt:
        return 130
    board, turn = Board(settings.workers), Turn()
    jobs = [
        Job(
            f"worker {seat.number}",
            partial(_serve_in_child, settings, sockets, seat, turn),
            ended=seat.leave,
        )
        for seat in board
    ]
    return Children(jobs, stops=partial(_close, sockets)).run()


def _close(sockets: list[socket.socket]) -> None:
    """As the workers do with theirs when they stop: whoever comes then is refused, and waits for nobody."""
    for each in sockets:
        each.close()


def _has_gpu(asked: str) -> bool:
    """Whether there is the GPU that the settings name; a line says why not.

    Asked in a copy of this process, since what has looked at a GPU cannot be copied any more.
    """
    from heatsvc.encode.devices import NoGpuError, find_gpu

    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            find_gpu(asked)
            status = 0
        except NoGpuError as error:
            print(f"heatsvc: HEATSVC_DEVICE={asked}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def _load() -> None:
    """Load what every worker needs, compiled loops too, before there are any: they share its memory, and start at once.

    Nothing of this may start a thread, or touch a GPU: a copied process could use neither.
    """
    import structlog
    import uvloop  # noqa: F401

    import heatsvc.api.connection
    import heatsvc.api.server
    import heatsvc.app  # noqa: F401
    from heatsvc.api.service import warm

    try:
        warm()
    except Exception:  # the workers try it, too, and tell at /health/ready
        structlog.get_logger("heatsvc.processes").exception("the loops could not be compiled")
    gc.collect()
    gc.freeze()  # the collector would write to the pages of all that it looks at, and they were shared no longer


def _serve_in_child(settings: Settings, sockets: list[socket.socket], seat: Seat, turn: Turn, parent: Parent) -> int:
    import structlog

    from heatsvc.api.colleagues import Colleagues
    from heatsvc.api.server import Server
    from heatsvc.app import create_app
    from heatsvc.cli.children import STARTUP_FAILURE

    # A terminal that is closed tells all processes; what follows of it is the parent's to say.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    is_first = seat.number == 0 and not seat.read()
    seat.take()
    try:
        app = create_app(settings, Colleagues(seat, turn))
    except Exception:
        structlog.get_logger("heatsvc.processes").exception("the service cannot be put together")
        return STARTUP_FAILURE
    service: Service = app.state.service

    async def publish() -> None:
        service.metrics.publish()

    def is_set_up() -> bool:
        return service.warm_seconds is not None or service.failure is not None

    server = Server(_config(app, settings, callback_notify=publish, timeout_notify=0), seat, is_set_up)
    threading.Thread(target=_end_with_parent, args=(parent, server), name="parent", daemon=True).start()
    if is_first:
        _announce_when_ready(service)
    server.run(sockets)
    return 0 if server.started else STARTUP_FAILURE


def _end_with_parent(parent: Parent, server: uvicorn.Server) -> None:
    """Wait for the parent's end, however it comes about; then end as if told to."""
    while os.read(parent.life, 1):
        pass
    server.should_exit = True
    time.sleep(_ORPHAN_SECONDS)
    os._exit(1)


def _announce_when_ready(service: Service) -> None:
    threading.Thread(target=_announce, args=(service,), daemon=True).start()


def _announce(service: Service) -> None:
    """Print where the service is, once it answers: the line to try works from then on."""
    while service.warm_seconds is None:
        if service.failure:
            return
        time.sleep(0.02)
    print(_welcome(service.settings.host, service.settings.port), file=sys.stderr, flush=True)


def _welcome(host: str, port: int) -> str:
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104  # not bound to here
    return (
        f"heatsvc {__version__} at {address} (documentation: {address}/docs). From the clone's root, try:\n\n"
        f"  curl --compressed -H 'Content-Type: application/json' -d @openapi/examples/clip.json "
        f"{address}/heatmap -o heatmaps.npy\n"
    )
