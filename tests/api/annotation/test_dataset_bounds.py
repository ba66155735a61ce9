"""Bounds of datasets: a build that passes one has failed as a request would have."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from heatsvc.jobs.worker import Worker
from heatsvc.settings import Settings
from tests.api.annotation.forms import form, part
from tests.api.conftest import running
from tests.live.server import until
from tests.pose.readers.samples import npy

DATASET_BOUNDS = {"max_dataset_files": (2, 422), "max_dataset_bytes": (1_000, 413)}
"""Each with a limit that the dataset below passes, and the status code of its problem."""


def zipped() -> bytes:
    """An archive of three clips."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in "abc":
            archive.writestr(f"{name}.npy", npy(np.ones((2, 17, 3), np.float32)))
    return packed.getvalue()


@pytest.mark.parametrize("bound", DATASET_BOUNDS)
def test_the_problem_names_the_setting(tmp_path: Path, bound: str) -> None:
    limit, status = DATASET_BOUNDS[bound]
    sent = form(
        part("keypoints", zipped(), "clips.zip"),
        part("labels", b"a,0\nb,1\nc,0\n", "labels.csv"),
        part("options", b'{"select": null, "split": {"random": {"train": 1.0}, "seed": 0}, "img_shape": [9, 9]}'),
    )
    with running(data_dir=tmp_path, build_workers=0) as client:
        headers = {"content-type": sent.media_type, "prefer": "respond-async"}
        location = client.request("POST", "/annotation", content=sent.body, headers=headers).headers["location"]
        builds = client.app.state.service.builds
        Worker(Settings(data_dir=tmp_path, **{bound: limit})).build_pending()
        until(lambda: builds.get(location.rpartition("/")[2]).state == "failed")
        problem = client.request(
            "POST", "/annotation", content=sent.body, headers={"content-type": sent.media_type}
        ).problem(status)
    assert (problem["setting"], problem["limit"]) == (f"HEATSVC_{bound.upper()}", limit)
    assert problem["got"] > limit
