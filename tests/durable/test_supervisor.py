"""The service's own workers: restarted when they end, and ended with the service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heatsvc.jobs.supervisor import Supervisor
from tests.durable.site import FAKE_WORKER, Site, until

COMMAND = (*FAKE_WORKER, "--with-parent")
SERVICE = """
import os, sys, time
from pathlib import Path
from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.supervisor import Supervisor
supervisor = Supervisor(DataDirectory(Path(os.environ["HEATSVC_DATA_DIR"])), 1, {}, sys.argv[1:])
supervisor.start()
while not supervisor.pids:
    time.sleep(0.01)
print(*supervisor.pids, flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervisor(site: Site) -> Iterator[Supervisor]:
    supervisor = Supervisor(site.builds.directory, 1, site.environment, COMMAND)
    supervisor.start()
    yield supervisor
    supervisor.stop()


def test_a_worker_that_is_killed_is_restarted(site: Site, supervisor: Supervisor):
    sent = site.submit("steps=30,seconds=0.1")
    site.wait(sent.id, "running")
    (first,) = supervisor.pids
    os.kill(first, signal.SIGKILL)
    site.wait(sent.id, "done")
    (second,) = supervisor.pids
    assert second != first


def test_stop_ends_the_worker_and_leaves_the_build_to_the_next(site: Site, supervisor: Supervisor):
    sent = site.submit("steps=600,seconds=0.1")
    site.wait(sent.id, "running")
    (pid,) = supervisor.pids
    supervisor.stop()
    assert not alive(pid)
    assert supervisor.pids == set()
    assert site.state(sent.id) == "running"


def test_a_worker_ends_with_a_service_that_is_killed(site: Site):
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, *COMMAND], env={**os.environ, **site.environment}, stdout=subprocess.PIPE
    )
    assert service.stdout is not None
    worker = int(service.stdout.readline())
    sent = site.submit("steps=600,seconds=0.1")
    site.wait(sent.id, "running")
    service.kill()
    service.wait()
    until(lambda: not alive(worker), "the worker to end", seconds=15)


def test_services_of_one_data_directory_share_a_worker(site: Site, supervisor: Supervisor):
    other = Supervisor(site.builds.directory, 1, site.environment, COMMAND)
    until(lambda: supervisor.pids, "the worker")
    other.start()
    site.wait(site.submit("steps=1").id, "done")
    assert len(supervisor.pids | other.pids) == 1
    supervisor.stop()
    until(lambda: other.pids, "the other service to take over")
    other.stop()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
