"""The service's own workers: there while it is, restarted when they die, gone when it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heatsvc.jobs.supervisor import Supervisor
from tests.durable.place import STANDIN, Site, until

COMMAND = (*STANDIN, "--with-parent")
SERVICE = """
import sys, time
from heatsvc.jobs.supervisor import Supervisor
supervisor = Supervisor(1, {}, sys.argv[1:])
supervisor.start()
while not supervisor.pids():
    time.sleep(0.01)
print(*supervisor.pids(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervisor(local: Site) -> Iterator[Supervisor]:
    supervisor = Supervisor(1, local.environment, COMMAND)
    supervisor.start()
    yield supervisor
    supervisor.stop()


def test_a_worker_that_dies_is_followed_by_another(local: Site, supervisor: Supervisor):
    sent = local.submit("steps=30,seconds=0.1")
    local.wait(sent.id, "running")
    (first,) = supervisor.pids()
    os.kill(first, signal.SIGKILL)
    local.wait(sent.id, "done")
    (second,) = supervisor.pids()
    assert second != first


def test_stop_ends_the_worker_and_leaves_the_build_to_the_next(local: Site, supervisor: Supervisor):
    sent = local.submit("steps=600,seconds=0.1")
    local.wait(sent.id, "running")
    (pid,) = supervisor.pids()
    supervisor.stop()
    assert not alive(pid)
    assert supervisor.pids() == []
    assert local.state(sent.id) == "running"


def test_a_worker_ends_with_a_service_that_is_killed(local: Site):
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, *COMMAND], env={**os.environ, **local.environment}, stdout=subprocess.PIPE
    )
    assert service.stdout is not None
    worker = int(service.stdout.readline())
    sent = local.submit("steps=600,seconds=0.1")
    local.wait(sent.id, "running")
    service.kill()
    service.wait()
    until(lambda: not alive(worker), "the worker to end", seconds=15)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
