"""Datasets over HTTP with ordinary clients: keti-mini is sent, a build's files come back."""

from __future__ import annotations

import http.client
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.annotation.keti import CLASSES, KEYPOINTS, TABLES, WORKBOOKS
from tests.api.annotation.forms import dataset
from tests.live.server import Live, until
from tests.serving import ROOT, free_port, is_ready

OPTIONS = {"img_shape": [1080, 1920], "types": ["단어"], "missing": "zeros", "faulty": "drop"}
TIMEOUT = 60.0


def parts(*split: str, **options: Any) -> list[tuple[str, Any]]:
    """keti-mini as httpx sends it."""
    files = [("keypoints", (path.name, path.read_bytes())) for path in sorted(KEYPOINTS.iterdir())]
    files += [("labels", (name, (TABLES / name).read_bytes())) for name in WORKBOOKS]
    files += [("split", (name, (TABLES / name).read_bytes())) for name in split]
    return [*files, ("options", (None, json.dumps({**OPTIONS, **options}).encode()))]


def curl(live: Live, folder: Path, *words: str, path: str = "/annotation") -> subprocess.CompletedProcess[str]:
    command = ["curl", "-sS", "--fail-with-body", *words, live.address + path]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=True)


@pytest.mark.needs("curl")
def test_a_plain_curl_gives_the_pickle(live: Live, tmp_path: Path):
    words = [word for path in sorted(KEYPOINTS.iterdir()) for word in ("-F", f"keypoints=@{path}")]
    words += [word for name in WORKBOOKS for word in ("-F", f"labels=@{TABLES / name}")]
    words += ["-F", f"split=@{TABLES / 'split.json'}", "-F", f"options={json.dumps(OPTIONS)}", "-o", "KETI.pkl"]
    curl(live, tmp_path, *words)
    made = pickle.loads((tmp_path / "KETI.pkl").read_bytes())
    assert sorted(made) == ["annotations", "provenance", "split"]
    assert list(made["split"]) == ["train", "test"]
    assert {annotation["keypoint"].shape[2] for annotation in made["annotations"]} == {27}
    assert {annotation["keypoint"].dtype for annotation in made["annotations"]} == {np.dtype(np.float16)}


@pytest.mark.needs("curl")
def test_curl_resumes_a_download(live: Live, tmp_path: Path):
    document = httpx.post(
        f"{live.address}/annotation",
        files=parts("split.json"),
        headers={"Accept": "application/json"},
        timeout=TIMEOUT,
    ).json()
    whole = document["artifacts"][0]
    curl(live, tmp_path, "-r", "0-999", "-o", "half", path=whole["href"])
    assert (tmp_path / "half").stat().st_size == 1000
    curl(live, tmp_path, "-C", "-", "-o", "half", path=whole["href"])
    assert (tmp_path / "half").stat().st_size == whole["size"]
    assert pickle.loads((tmp_path / "half").read_bytes())["annotations"]


def test_the_bundle_contains_what_training_needs(live: Live):
    response = httpx.post(
        f"{live.address}/annotation", files=parts("split.json"), headers={"Accept": "application/zip"}, timeout=TIMEOUT
    )
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert json.loads(archive.read("label_map.json")) == {label: index for index, label in enumerate(CLASSES)}
        assert b"annotations.pkl" in archive.read("pyskl_keypoint.py")
        assert json.loads(archive.read("report.json"))["summary"]["clips"] > 0


def test_a_build_is_watched_to_its_end(live: Live):
    sent = httpx.post(
        f"{live.address}/annotation",
        files=parts("split.json", dtype="float32"),
        headers={"Prefer": "respond-async"},
        timeout=TIMEOUT,
    )
    assert sent.status_code == 202
    names = []
    with httpx.stream("GET", live.address + sent.json()["links"]["events"], timeout=TIMEOUT) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                names.append(line[7:])
            if line.startswith("data: "):
                last = json.loads(line[6:])
    assert names[-1] == "done"
    assert set(names[:-1]) <= {"progress"}
    assert httpx.get(live.address + sent.headers["location"]).json() == last


def test_faults_that_the_options_forbid_are_named(live: Live):
    response = httpx.post(f"{live.address}/annotation", files=parts("split_leaky.json"), timeout=TIMEOUT)
    problem = response.json()
    assert (response.status_code, problem["status"]) == (422, 422)
    assert [fault["name"] for fault in problem["faults"]["in_two_splits"]["first"]] == ["KETI_SL_0000000001"]
    page = httpx.get(live.address + problem["report"].replace("json", "html"))
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_a_check_reports_what_a_build_would_refuse(live: Live):
    response = httpx.post(f"{live.address}/annotation/check", files=parts("split_leaky.json"), timeout=TIMEOUT)
    assert response.status_code == 200
    assert {group["kind"] for group in response.json()["faults"]} >= {"no_file", "in_two_splits"}


def test_a_client_that_disconnects_from_a_download(live: Live):
    build = httpx.post(
        f"{live.address}/annotation",
        files=parts("split.json"),
        headers={"Accept": "application/json"},
        timeout=TIMEOUT,
    ).json()
    sockets = live.sockets()
    href = build["artifacts"][0]["href"]
    with live.connect(receive_buffer=4096) as wire:
        wire.sendall(f"GET {href} HTTP/1.1\r\nHost: heatsvc\r\n\r\n".encode())
        wire.recv(1000)
    until(lambda: live.gauge("heatsvc_in_flight") == 1)
    until(lambda: live.sockets() <= sockets + 1)


@contextmanager
def without_workers(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A service that builds nothing, its address, and a process that the test may end."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEATSVC_")}
    environment |= {"HEATSVC_BUILD_WORKERS": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "heatsvc", "serve", "--port", str(port)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        until(lambda: is_ready(port), 240)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_a_stopping_service_ends_waiting_requests(tmp_path: Path):
    """A client that waits for a dataset gets 202 with its URL; one that watches it may reconnect."""
    responses: dict[str, Any] = {}
    with without_workers(tmp_path) as (process, address):
        sent = dataset()
        headers = {"Content-Type": sent.media_type}
        location = httpx.post(
            f"{address}/annotation", content=sent.body, headers={**headers, "Prefer": "respond-async"}
        )

        def wait() -> None:
            responses["waited"] = httpx.post(
                f"{address}/annotation", content=sent.body, headers=headers, timeout=TIMEOUT
            )

        def watch() -> None:
            responses["watched"] = httpx.get(address + location.headers["location"] + "/events", timeout=TIMEOUT)

        threads = [threading.Thread(target=wait), threading.Thread(target=watch)]
        for thread in threads:
            thread.start()
        until(lambda: b"\nheatsvc_in_flight 3.0" in httpx.get(f"{address}/metrics").content)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        for thread in threads:
            thread.join()
    assert responses["waited"].status_code == 202
    assert responses["waited"].headers["location"] == location.headers["location"]
    assert "event: progress" in responses["watched"].text


def test_a_kept_connection_serves_one_after_the_other(live: Live):
    """Also after a form that was refused before all of it was read."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    sent = dataset()
    for media_type, status in ((sent.media_type, 202), ("text/plain", 415), (sent.media_type, 202)):
        connection.request("POST", "/annotation", sent.body, {"Content-Type": media_type, "Prefer": "respond-async"})
        response = connection.getresponse()
        response.read()
        assert response.status == status
