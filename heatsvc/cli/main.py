"""The command `heatsvc`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from heatsvc import __version__
from heatsvc.cli.annotate import add_annotate
from heatsvc.cli.inspect import add_inspect
from heatsvc.cli.serve import add_serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status, 128 plus the signal's number after Ctrl-C or a closed pipe."""
    parser = argparse.ArgumentParser(prog="heatsvc", description="Human keypoints in, Gaussian heatmap volumes out.")
    parser.add_argument("--version", action="version", version=f"heatsvc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_serve(commands)
    worker = commands.add_parser(
        "worker", help="build what was sent to /annotation, for servers with the same data folder"
    )
    worker.add_argument("--alive", action="store_true", help="only report by the exit status whether one works here")
    worker.add_argument("--with-parent", action="store_true", help="end when standard input does")
    worker.set_defaults(run=_worker)
    settings = commands.add_parser("settings", help="print the settings as a .env file")
    settings.set_defaults(run=_settings)
    openapi = commands.add_parser("openapi", help="print the OpenAPI document")
    openapi.set_defaults(run=_openapi)
    add_annotate(commands)
    add_inspect(commands)
    parsed = parser.parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # So that the interpreter's own flush at exit does not fail as well (Python's documentation, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


def _worker(parsed: argparse.Namespace) -> int:
    from heatsvc.settings import load_settings

    settings = load_settings()
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


def _settings(parsed: argparse.Namespace) -> int:
    from heatsvc.settings import format_settings, load_settings

    print(format_settings(load_settings()), end="")
    return 0


def _openapi(parsed: argparse.Namespace) -> int:
    import orjson

    from heatsvc.app import create_app
    from heatsvc.settings import Settings

    document = create_app(Settings.model_construct()).openapi()
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return 0
