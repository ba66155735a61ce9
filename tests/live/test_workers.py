"""`heatsvc serve --workers 2`: two processes that are one service."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from tests.durable.clips import write_upload
from tests.durable.site import until
from tests.durable.test_serve import workers as builders
from tests.durable.test_supervisor import alive
from tests.serving import ROOT, free_port, is_ready


@dataclass(frozen=True)
class Together:
    """A service of two processes."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def serving(self) -> list[int]:
        """The processes that answer, without those that build."""
        return [pid for pid in children(self.process.pid) if pid not in builders(self.folder)]

    @contextmanager
    def only(self, pid: int) -> Iterator[None]:
        """The others are stopped in the block, so that this one answers."""
        others = [other for other in self.serving() if other != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            yield
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)

    def count(self, of: str) -> float:
        """What /metrics tells of it."""
        told = httpx.get(f"{self.address}/metrics").text
        found = re.search(rf"^{re.escape(of)} (\S+)$", told, re.MULTILINE)
        return float(found[1]) if found else 0.0


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Together]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEATSVC_")}
    environment |= {"PYTHONPATH": str(ROOT), "HEATSVC_WORKERS": "2", "HEATSVC_BUILD_JOBS": "1", **settings}
    command = [sys.executable, "-m", "heatsvc", "serve", "--port", str(port := free_port())]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        until(lambda: is_ready(port) or process.poll() is not None, "the service to be ready", 240)
        assert process.poll() is None, (folder / "log").read_text()
        service = Together(process, port, folder)
        for pid in service.serving():
            with service.only(pid):
                until(lambda: is_ready(port), "each process to be ready", 60)
        yield service
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    with serving(tmp_path_factory.mktemp("two")) as service:
        yield service


def listens(port: int) -> bool:
    """Whether somebody does at that port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_each_process_answers(two: Together):
    pids = two.serving()
    assert len(pids) == 2
    for pid in pids:
        with two.only(pid):
            assert httpx.get(f"{two.address}/health/ready").json()["status"] == "ready"


def test_connections_are_spread(two: Together):
    before = {pid: sockets(pid) for pid in two.serving()}
    with ExitStack() as stack:
        for _ in range(24):
            stack.enter_context(socket.create_connection(("127.0.0.1", two.port)))
        # Some of those that were there before may have been closed meanwhile.
        until(lambda: sum(sockets(pid) - before[pid] for pid in before) >= 20, "all to be accepted")
        assert all(sockets(pid) - before[pid] >= 4 for pid in before)


def sockets(pid: int) -> int:
    """Sockets that the process has open."""
    links = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed just now
            links.append(os.readlink(path))
    return sum(link.startswith("socket:") for link in links)


def test_metrics_are_those_of_all(two: Together):
    counted = 'heatsvc_requests_total{method="GET",route="/layouts",status="200"}'
    for number, pid in enumerate(two.serving(), start=1):
        with two.only(pid):
            for _ in range(number):
                assert httpx.get(f"{two.address}/layouts").status_code == 200
    for pid in two.serving():
        until(lambda: two.count(counted) == 3, "the counts of both")
        with two.only(pid):
            assert two.count(counted) == 3
            assert two.count('heatsvc_request_seconds_bucket{le="+Inf",route="/layouts"}') == 3
            assert all(two.count(f'process_open_fds{{worker="{seat}"}}') > 3 for seat in (0, 1))


def test_a_build_is_everybodys_and_there_is_one_builder(two: Together, tmp_path: Path):
    first, second = two.serving()
    assert builders(two.folder) == []  # nothing to build, nobody to do it
    large, small = form(tmp_path, 15_000), form(tmp_path, 30)
    locations = []
    for pid in (first, second):
        with two.only(pid):
            sent = httpx.post(f"{two.address}/annotation", files=large, headers={"Prefer": "respond-async"}, timeout=60)
            assert sent.status_code == 202, sent.text
            locations.append(two.address + sent.headers["Location"])
    assert locations[0] == locations[1]  # the same build
    until(lambda: httpx.get(locations[0]).json()["state"] == "running", "the build to begin")
    (builder,) = builders(two.folder)
    with two.only(second):
        assert httpx.delete(locations[0], timeout=30).status_code == 204
    with two.only(first):
        assert httpx.get(locations[0]).status_code == 404
        made = httpx.post(f"{two.address}/annotation", files=small, timeout=120)
        assert made.status_code == 200, made.text
    with two.only(second):
        assert httpx.get(two.address + made.headers["Content-Location"]).content == made.content
    assert builders(two.folder) == [builder]


def form(folder: Path, clips: int) -> list[tuple[str, tuple[str | None, bytes, str]]]:
    """Files to be built of."""
    write_upload(folder, clips)
    return [
        ("keypoints", ("clips.zip", (folder / "0").read_bytes(), "application/zip")),
        ("labels", ("labels.csv", (folder / "1").read_bytes(), "text/csv")),
        ("split", ("split.csv", (folder / "2").read_bytes(), "text/csv")),
        ("options", (None, b'{"img_shape": [512, 512]}', "application/json")),
    ]


def test_what_dies_is_started_again_and_counts_on(tmp_path: Path):
    counted = 'heatsvc_requests_total{method="GET",route="/layouts",status="200"}'
    with serving(tmp_path) as service:
        killed, other = service.serving()
        with service.only(killed):
            for _ in range(5):
                httpx.get(f"{service.address}/layouts")
            assert service.count(counted) == 5
        os.kill(killed, signal.SIGKILL)
        assert httpx.get(f"{service.address}/health/ready").status_code == 200
        assert service.count(counted) == 5
        until(lambda: len(service.serving()) == 2, "another one in its place")
        (born,) = set(service.serving()) - {other}
        assert re.search(rf'"pid":{killed},"status":-9.*"a process ended"', service.log)
        with service.only(born):
            httpx.get(f"{service.address}/layouts")
            assert service.count(counted) == 6


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_behind(tmp_path: Path, how: signal.Signals):
    with serving(tmp_path) as service:
        pids = service.serving()
        kept = http.client.HTTPConnection("127.0.0.1", service.port)
        kept.request("GET", "/health/live")
        assert kept.getresponse().read()
        service.process.send_signal(how)
        assert service.process.wait(30) == (-9 if how == signal.SIGKILL else 0)
        until(lambda: not any(map(alive, pids)), "all to end", 10)
        kept.close()
        assert '"level":"error"' not in service.log
        assert "Traceback" not in service.log


def test_who_comes_while_it_stops_is_refused(tmp_path: Path):
    with serving(tmp_path) as service:
        body = b'{"keypoint": [[[1, 2]]], "img_shape": [4, 4]}'
        answered = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        answered.putrequest("POST", "/heatmap")
        answered.putheader("Content-Type", "application/json")
        answered.putheader("Content-Length", str(len(body)))
        answered.endheaders(body[:1])
        until(lambda: service.count("heatsvc_in_flight") == 2, "the request to be in flight")
        service.process.terminate()
        until(lambda: not listens(service.port), "it to listen no more")
        assert service.process.poll() is None
        answered.send(body[1:])
        assert answered.getresponse().status == 200
        answered.close()
        assert service.process.wait(30) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_told_in_one_line(workers: str, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = serve(tmp_path, "--workers", workers, "--port", str(port))
    assert done.returncode == 1
    assert re.fullmatch(rf"heatsvc: cannot listen on 127.0.0.1:{port} .*\n", done.stderr)


def test_a_number_of_workers_that_cannot_be_is_told_in_one_line(tmp_path: Path):
    done = serve(tmp_path, "--workers", "0")
    assert done.returncode == 2
    assert re.fullmatch(r"heatsvc: HEATSVC_WORKERS cannot be 0: .*\n", done.stderr)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_gpu_that_is_not_there_is_told_in_one_line(workers: str, tmp_path: Path):
    done = serve(tmp_path, "--workers", workers, "--port", "0", HEATSVC_DEVICE="cuda:99")
    assert done.returncode == 1
    assert re.fullmatch(r"heatsvc: HEATSVC_DEVICE=cuda:99: .*\n", done.stderr)


def serve(folder: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A service that cannot be."""
    command = [sys.executable, "-m", "heatsvc", "serve", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_warm_worker_holds_under_250_megabytes(two: Together):
    clip = orjson.loads((ROOT / "openapi" / "examples" / "clip.json").read_bytes())
    for pid in two.serving():
        with two.only(pid):
            for pipeline in ("view", "posec3d-val", "posec3d-val-limb"):
                answer = httpx.post(f"{two.address}/heatmap", json={**clip, "pipeline": pipeline})
                assert answer.status_code == 200, answer.text
    for pid in two.serving():
        found = re.search(r"^Rss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        assert found
        assert int(found[1]) * 1024 < 250e6
