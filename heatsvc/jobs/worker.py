"""Worker: the process that builds."""

from __future__ import annotations

import logging
import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from heatsvc.annotation.build import build as build_dataset
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.jobs.connections import renew_damaged
from heatsvc.jobs.executor import Build, Executor
from heatsvc.jobs.ledger import APPLICATION, QUEUE, VERSION, Ledger
from heatsvc.jobs.place import Place
from heatsvc.jobs.presence import new_name, present
from heatsvc.jobs.rounds import Rounds
from heatsvc.jobs.supervisor import end_with_parent
from heatsvc.jobs.sweep import Keep, sweep

_QUEUE_SECONDS = 0.25
_ROUND_SECONDS = 2.0
_SWEEP_ROUNDS = 30
_STOP_SECONDS = 20

log = structlog.get_logger("heatsvc.builds")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        data_dir: the data folder.
        database_url: PostgreSQL; None: a SQLite file in the data folder.
        datasets_dir: where mounted datasets lie.
        concurrency: builds at a time.
        jobs: processes that read keypoints, in each build.
        most_attempts: times a build may be cut off in a row without coming further.
        bounds: how large a file may be.
        keep: how long finished builds and given-up uploads are kept.
    """

    data_dir: Path
    database_url: str | None = None
    datasets_dir: Path | None = None
    concurrency: int = 1
    jobs: int = 1
    most_attempts: int = 20
    bounds: Bounds = DEFAULT_BOUNDS
    keep: Keep = field(default_factory=Keep)


class Worker:
    """Builds what is booked, until it is told to stop. One a process: DBOS knows no more.

    Args:
        options: how.
        build: what builds; another one in tests.
    """

    def __init__(self, options: WorkerOptions, build: Build = build_dataset):
        self.options = options
        self.place = Place(options.data_dir)
        self._executor = Executor(
            self.place.builds.absolute(),
            build,
            options.datasets_dir,
            options.jobs,
            options.bounds,
            options.most_attempts,
        )
        self._stopping: threading.Event = self._executor.stopping

    def stop(self) -> None:
        """End soon: a build under way is left as it is, and goes on in the next worker. Fit for signal handlers."""
        self._stopping.set()

    def serve(self, *, with_parent: bool = False) -> None:
        """Run as a process's main work: until SIGTERM or Ctrl-C, or until its parent ends.

        Args:
            with_parent: whether a supervisor has started the process.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        if with_parent:
            end_with_parent(self._stopping)
        self.run()

    def run(self) -> None:
        """Work until stopped.

        Raises:
            OSError: the data folder cannot be made.
            Exception: the database cannot be reached at the start.
        """
        self.place.make()
        name = new_name()
        url = self.place.database_url(self.options.database_url)
        with present(self.place.workers, name) as sign:
            self._launch(name, url)
            from dbos import DBOS

            ledger = Ledger(url)
            try:
                log.info("worker is ready", worker=name)
                self._go_round(sign, ledger)
            finally:
                self._stopping.set()
                log.info("worker stops", worker=name)
                DBOS.destroy(workflow_completion_timeout_sec=_STOP_SECONDS)
                ledger.close()

    def _launch(self, name: str, url: str) -> None:
        from dbos import DBOS

        from heatsvc.jobs.workflow import register

        _quiet_logs()
        renew_damaged()
        register(self._executor.run)
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": url,
                "application_version": VERSION,
                "executor_id": name,
                "enable_otlp": False,
                "log_level": "WARNING",
            }
        )
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self.options.concurrency,
            polling_interval_sec=_QUEUE_SECONDS,
            on_conflict="always_update",
        )

    def _go_round(self, sign: Path, ledger: Ledger) -> None:
        rounds = Rounds(self.place, ledger)
        number = 0
        while not self._stopping.is_set():
            try:
                rounds.go()
                if number % _SWEEP_ROUNDS == 0:
                    sweep(self.place, ledger, self.options.keep)
                # Whoever watches sees that the database answers, too.
                os.utime(sign)
                number += 1
            except Exception as error:
                log.warning("a round failed", error=f"{type(error).__name__}: {error}"[:500])
            self._stopping.wait(_ROUND_SECONDS)


def _quiet_logs() -> None:
    """Have DBOS's records go where all others go, and only those that tell of trouble."""
    logger = logging.getLogger("dbos")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(logging.NullHandler())  # else DBOS adds its own
    logger.propagate = True
    logger.setLevel(logging.WARNING)
