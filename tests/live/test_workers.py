"""`heatsvc serve --workers 2`: uvicorn's worker processes, and what they have in common."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from tests.durable.clips import write_upload
from tests.live.server import until
from tests.serving import ROOT, free_port, is_ready

LAYOUTS = 'heatsvc_requests_total{method="GET",route="/layouts",status="200"}'


@dataclass(frozen=True)
class TwoWorkers:
    """A service of two worker processes."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def workers(self) -> list[int]:
        """Process ids of the worker processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    @contextmanager
    def only(self, pid: int) -> Iterator[None]:
        """The other worker process is stopped in the block, so that this one responds."""
        others = [other for other in self.workers() if other != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            yield
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)

    def metric(self, name: str) -> float:
        """A sample of `GET /metrics`."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", httpx.get(f"{self.address}/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextmanager
def serving(folder: Path) -> Iterator[TwoWorkers]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEATSVC_")}
    environment |= {"PYTHONPATH": str(ROOT), "HEATSVC_BUILD_JOBS": "1", "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "heatsvc", "serve", "--workers", "2", "--port", str(port := free_port())]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    service = TwoWorkers(process, port, folder)
    try:
        until(lambda: is_ready(port) or process.poll() is not None, 240)
        assert process.poll() is None, service.log
        for pid in service.workers():
            with service.only(pid):
                until(lambda: is_ready(port), 240)
        yield service
    finally:
        process.terminate()
        process.wait(timeout=120)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWorkers]:
    with serving(tmp_path_factory.mktemp("two")) as service:
        yield service


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_each_worker_responds_and_metrics_are_those_of_both(two: TwoWorkers):
    first, second = two.workers()
    before = two.metric(LAYOUTS)
    for number, pid in enumerate((first, second), start=1):
        with two.only(pid):
            assert httpx.get(f"{two.address}/layouts").status_code == 200
            assert two.metric(LAYOUTS) == before + number
    assert two.metric("heatsvc_in_flight") == 1


def test_a_build_belongs_to_all_workers(two: TwoWorkers, tmp_path: Path):
    write_upload(tmp_path, 30)
    form = [
        ("keypoints", ("clips.zip", (tmp_path / "0").read_bytes(), "application/zip")),
        ("labels", ("labels.csv", (tmp_path / "1").read_bytes(), "text/csv")),
        ("split", ("split.csv", (tmp_path / "2").read_bytes(), "text/csv")),
        ("options", (None, b'{"img_shape": [512, 512]}', "application/json")),
    ]
    first, second = two.workers()
    with two.only(first):
        built = httpx.post(f"{two.address}/annotation", files=form, timeout=120)
        assert built.status_code == 200, built.text
    with two.only(second):
        assert httpx.get(two.address + built.headers["Content-Location"]).content == built.content


def test_a_killed_worker_is_replaced_and_its_counters_stay(tmp_path: Path):
    with serving(tmp_path) as service:
        killed, other = service.workers()
        with service.only(killed):
            for _ in range(5):
                httpx.get(f"{service.address}/layouts")
            before = service.metric("heatsvc_in_flight")
            with socket.create_connection(("127.0.0.1", service.port)) as unfinished:
                unfinished.sendall(b"POST /heatmap HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n")
                unfinished.sendall(b"Content-Type: application/json\r\n\r\n")
                until(lambda: service.metric("heatsvc_in_flight") == before + 1)
                os.kill(killed, signal.SIGKILL)
        until(lambda: len(set(service.workers()) - {killed}) == 2, 60)
        (replacement,) = set(service.workers()) - {killed, other}
        with service.only(replacement):
            until(lambda: is_ready(service.port), 240)
            assert service.metric(LAYOUTS) == 5
        until(lambda: service.metric("heatsvc_in_flight") == 1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_behind(tmp_path: Path, how: signal.Signals):
    with serving(tmp_path) as service:
        pids = service.workers()
        kept = http.client.HTTPConnection("127.0.0.1", service.port)
        kept.request("GET", "/health/live")
        assert kept.getresponse().read()
        assert list(tmp_path.glob("heatsvc-metrics-*"))
        service.process.send_signal(how)
        assert service.process.wait(60) == 0
        assert not any(map(is_alive, pids))
        assert not list(tmp_path.glob("heatsvc-metrics-*"))
        kept.close()
        assert '"level":"error"' not in service.log
        assert "Traceback" not in service.log


def test_requests_in_flight_end_before_the_service_stops(tmp_path: Path):
    with serving(tmp_path) as service:
        body = b'{"keypoint": [[[1, 2]]], "img_shape": [4, 4]}'
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        connection.putrequest("POST", "/heatmap")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:1])
        until(lambda: service.metric("heatsvc_in_flight") == 2)
        service.process.terminate()
        until(lambda: '"Shutting down"' in service.log, 30)
        assert service.process.poll() is None
        connection.send(body[1:])
        assert connection.getresponse().status == 200
        connection.close()
        assert service.process.wait(60) == 0
        assert not is_listening(service.port)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_reported_in_one_line(workers: str, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = serve(tmp_path, "--workers", workers, "--port", str(port))
    assert done.returncode == 1
    assert re.fullmatch(rf"heatsvc serve: cannot listen on 127.0.0.1:{port} .*\n", done.stderr)


def test_an_invalid_number_of_workers_is_reported_in_one_line(tmp_path: Path):
    done = serve(tmp_path, "--workers", "0")
    assert done.returncode == 2
    assert re.fullmatch(r"heatsvc: HEATSVC_WORKERS cannot be '0': .*\n", done.stderr)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_missing_gpu_is_reported_in_one_line(workers: str, tmp_path: Path):
    done = serve(tmp_path, "--workers", workers, "--port", "0", HEATSVC_DEVICE="cuda:99")
    assert done.returncode == 1
    assert re.fullmatch(r"heatsvc serve: HEATSVC_DEVICE=cuda:99: .*\n", done.stderr)


def serve(folder: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A service that cannot start."""
    command = [sys.executable, "-m", "heatsvc", "serve", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_worker_that_has_rendered_holds_under_110_megabytes(two: TwoWorkers):
    clip = orjson.loads((ROOT / "openapi" / "examples" / "clip.json").read_bytes())
    for pid in two.workers():
        with two.only(pid):
            for pipeline in ("view", "posec3d-val", "posec3d-val-limb"):
                response = httpx.post(f"{two.address}/heatmap", json={**clip, "pipeline": pipeline}, timeout=60)
                assert response.status_code == 200, response.text
        found = re.search(r"^Rss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        assert found
        assert int(found[1]) * 1024 < 110e6
