"""`heatsvc worker`: run a build worker."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from heatsvc.cli.errors import CommandError


def worker(
    *,
    alive: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Start no worker; the exit status says whether one runs on this machine.",
        ),
    ] = False,
    with_parent: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Stop at the end of standard input.")
    ] = False,
) -> int:
    """Run a build worker until it is stopped."""
    from heatsvc.jobs.data_directory import DataDirectory
    from heatsvc.settings import load_settings

    settings = load_settings()
    directory = DataDirectory(settings.data_dir)
    if alive:
        return 0 if directory.is_worker_alive() else 1
    problem = directory.check()
    if problem is not None:
        raise CommandError(f"{settings.data_dir}: {problem}")

    from heatsvc.jobs.worker import Worker
    from heatsvc.logs import configure_logs

    configure_logs(settings.log_level)
    Worker(settings).serve(with_parent=with_parent)
    return 0
