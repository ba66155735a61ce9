"""A thread that replaces the build workers: its artifacts are small and contain what it received."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heatsvc.annotation.artifacts import MEDIA_TYPES, PICKLE, REPORT, REPORT_PAGE, write_atomically
from heatsvc.annotation.build import BuildResult
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.progress import Progress
from heatsvc.annotation.report.document import fault_groups
from heatsvc.cancel import CancelToken
from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.worker import Worker as BuildWorker
from heatsvc.settings import Settings

FAULTS = [
    Fault("no_file", f"video{number}", "labeled, but no keypoint file has this name", done="refused")
    for number in range(7)
]


class Worker:
    """Builds what it finds, one build after the other.

    What it makes of the files follows from their names: a label file `broken` is an error of the input, `faulty` gives
    faults, `bug` is none of the client's, and `slow` waits until `go_on` is set.
    """

    def __init__(self, data_dir: Path) -> None:
        self.directory = DataDirectory(data_dir)
        self.go_on = threading.Event()
        self.datasets: Path | None = None
        self.built: list[dict[str, Any]] = []
        # Here, and not in the thread: another test may change the environment meanwhile.
        self._settings = Settings(data_dir=data_dir)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.go_on.set()
        self._thread.join()

    def end(self) -> None:
        """Wait until there is nothing left to build."""
        while self.directory.unfinished():
            time.sleep(0.01)

    def _work(self) -> None:
        while not self._stopping.wait(0.01):
            settings = self._settings.model_copy(update={"datasets_dir": self.datasets})
            BuildWorker(settings, self.build).build_pending()

    def build(
        self,
        inputs: Inputs,
        options: AnnotationOptions,
        folder: Path,
        *,
        check: bool,
        progress: Callable[[Progress], None],
        token: CancelToken,
        **_: Any,
    ) -> BuildResult:
        received = {
            "keypoints": {file.name: file.path.read_bytes().decode("latin-1") for file in inputs.keypoints},
            "labels": {file.name: file.path.read_bytes().decode("latin-1") for file in inputs.labels},
            "split": [file.name for file in inputs.split],
            "trim": [file.name for file in inputs.trim],
            "folder": inputs.folder and inputs.folder.name,
            "options": options.model_dump(mode="json", exclude_defaults=True),
            "check": check,
        }
        self.built.append(received)
        names = set(received["labels"])
        progress(Progress("keypoints", 1, 2, 0, 0.5, 3.0))
        while "slow" in names and not self.go_on.wait(0.02):
            token.raise_if_cancelled()
        progress(Progress("writing", 2, 2, 1, 1.0, 0.1))
        if "broken" in names:
            raise AnnotationError("the label in row 3 is empty: give one", field="labels", file="broken")
        if "bug" in names:
            raise RuntimeError("a secret")
        faults = FAULTS if "faulty" in names else []
        report = {"faults": fault_groups(faults), "clips": 3, "provenance": {"software": "a fake"}}
        page = write_atomically(folder / REPORT_PAGE, [b"<!doctype html><p>report"])
        document = write_atomically(folder / REPORT, [json.dumps(report).encode()])
        if faults:
            raise FaultsError("7 videos have no keypoints, and missing is error", report, (document, page))
        if check:
            return BuildResult((document, page), report)
        content = [json.dumps(received).encode(), b"\n" + b"0123456789" * 100_000]
        made = [write_atomically(folder / PICKLE, content)]
        made += [
            write_atomically(folder / name, [name.encode()])
            for name in MEDIA_TYPES
            if name not in (PICKLE, REPORT, REPORT_PAGE)
        ]
        return BuildResult((*made, document, page), report)
