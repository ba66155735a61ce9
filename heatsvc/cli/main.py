"""The command `heatsvc`: serve, worker, warm, settings."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from heatsvc import __version__
from heatsvc.cli.annotate import add_annotate
from heatsvc.cli.in_force import in_force
from heatsvc.cli.inspect import add_inspect
from heatsvc.cli.serve import add_serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="heatsvc", description="Human keypoints in, Gaussian heatmap volumes out.")
    parser.add_argument("--version", action="version", version=f"heatsvc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_serve(commands)
    worker = commands.add_parser(
        "worker", help="build what was sent to /annotation, for servers with the same data directory"
    )
    worker.add_argument(
        "--alive", action="store_true", help="exit with 0 if a worker runs on this machine, with 1 if not"
    )
    worker.add_argument("--with-parent", action="store_true", help="end when standard input does")
    worker.set_defaults(run=_worker)
    warm = commands.add_parser("warm", help="compile the loops now, so that the first start is quick")
    warm.set_defaults(run=_warm)
    settings = commands.add_parser("settings", help="print the settings in force")
    settings.set_defaults(run=_settings)
    openapi = commands.add_parser("openapi", help="print the OpenAPI document")
    openapi.set_defaults(run=_openapi)
    add_annotate(commands)
    add_inspect(commands)
    parsed = parser.parse_args(arguments)
    status: int = parsed.run(parsed)
    return status


def _worker(parsed: argparse.Namespace) -> int:
    settings = in_force()
    from heatsvc.jobs.data_directory import DataDirectory

    directory = DataDirectory(settings.data_dir)
    if parsed.alive:
        return 0 if directory.is_worker_alive() else 1
    problem = directory.check()
    if problem is not None:
        print(f"heatsvc: {settings.data_dir}: {problem}", file=sys.stderr)
        return 1

    from heatsvc.jobs.worker import Worker
    from heatsvc.logs import configure_logs

    configure_logs(settings.log_level)
    Worker(settings).serve(with_parent=parsed.with_parent)
    return 0


def _warm(parsed: argparse.Namespace) -> int:
    from heatsvc.annotation.crew import load_compiled
    from heatsvc.api.service import warm

    print("compiling the loops (once; later starts take them from the cache) ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    warm()
    load_compiled()
    print(f"done in {time.monotonic() - started:.1f} s", file=sys.stderr)
    return 0


def _settings(parsed: argparse.Namespace) -> int:
    from heatsvc.settings import describe_settings

    settings = in_force()
    for row in describe_settings():
        value = getattr(settings, row["field"])
        changed = "" if value == row["default"] else f"  (default {row['default']})"
        print(f"{row['name']}={_shown(value)}{changed}  # {row['unit']}: {row['description']}")
    return 0


def _shown(value: object) -> str:
    """As it would be set; keys stay hidden."""
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _openapi(parsed: argparse.Namespace) -> int:
    import orjson

    from heatsvc.app import create_app
    from heatsvc.settings import Settings

    document = create_app(Settings.model_construct()).openapi()
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return 0
