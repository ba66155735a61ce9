"""keti-mini through the service, and from there into MMAction2: the whole way that a researcher goes."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.annotation.keti import KEYPOINTS, TABLES, WORKBOOKS, array_of, name
from tests.peers.conftest import Ask
from tests.serving import served

pytestmark = pytest.mark.slow

OPTIONS = {"img_shape": [1080, 1920], "types": ["단어"], "faulty": "drop"}
# Of the test split: sound, and of at most 48 frames. Of longer ones MMAction2 samples other frames than PYSKL.
SHORT = [n for n in (1, 2, 3, 4, 5, 6, 8, 10, 12) if len(array_of(n)) <= 48]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        served(tmp_path_factory.mktemp("service")) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def folder(service: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the service makes of keti-mini, unpacked."""
    files = [("keypoints", (path.name, path.read_bytes())) for path in sorted(KEYPOINTS.iterdir())]
    files += [("labels", (file, (TABLES / file).read_bytes())) for file in WORKBOOKS]
    files += [("split", ("split.json", (TABLES / "split.json").read_bytes()))]
    response = service.post(
        "/annotation", files=files, data={"options": json.dumps(OPTIONS)}, headers={"Accept": "application/zip"}
    )
    assert response.status_code == 200, response.text
    folder = tmp_path_factory.mktemp("keti")
    with zipfile.ZipFile(io.BytesIO(response.content)) as bundle:
        bundle.extractall(folder)
    return folder


@pytest.mark.peer("numpy1")
def test_numpy_1_23_and_nothing_else_loads_it(ask: Ask, folder: Path) -> None:
    reported = ask("numpy1", "read_pickle.py", folder / "annotations.pkl")
    assert (reported["numpy"], reported["others"]) == ("1.23.5", [])
    assert [one["frame_dir"] for one in reported["annotations"]] == order_of(folder)
    assert len(reported["annotations"]) == 34


@pytest.mark.peer("mmaction2")
@pytest.mark.parametrize(("kind", "channels", "within"), [("keypoint", 27, 2e-6), ("limb", 26, 2e-5)])
def test_mmaction2_reads_it_and_the_service_renders_the_same(
    ask: Ask, service: httpx.Client, folder: Path, tmp_path: Path, kind: str, channels: int, within: float
) -> None:
    data = (folder / "annotations.pkl").read_bytes()
    (tmp_path / "annotations.pkl").write_bytes(data)  # where it runs
    reported = ask("mmaction2", "load_dataset.py", folder / f"mmaction2_{kind}.py", tmp_path, "val")
    assert reported["val"]["length"] == 12
    assert {tuple(shape) for shape, _ in reported["val"]["clips"]} == {(1, channels, 48, 64, 64)}
    assert json.loads((folder / "report.json").read_bytes())["summary"]["clips"] == 34
    order = [one for one in order_of(folder) if one in {name(n) for n in range(1, 13)}]
    for number in SHORT:
        response = service.post(
            "/heatmap",
            files={"file": ("annotations.pkl", data)},
            data={
                "options": json.dumps(
                    {
                        "frame_dir": [name(number)],
                        "pipeline": "posec3d-val" if kind == "keypoint" else "posec3d-val-limb",
                    }
                )
            },
            headers={"Accept": "application/x-npy"},
        )
        assert response.status_code == 200, response.text
        ours = np.load(io.BytesIO(response.content)).reshape(-1)
        with np.load(tmp_path / f"val_{order.index(name(number))}.npz") as theirs:
            np.testing.assert_allclose(ours[theirs["index"]], theirs["value"], rtol=0, atol=within)
            ours[theirs["index"]] = 0
        assert ours.max() <= within


def order_of(folder: Path) -> list[str]:
    """Names in the pickle's order, which MMAction2 keeps."""
    return [one["frame_dir"] for one in pickle.loads((folder / "annotations.pkl").read_bytes())["annotations"]]
