"""The request examples of `openapi/examples`: each is sent, and its response has the arrays of the index."""

from __future__ import annotations

import json
import pickle
import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from heatsvc.api.request import BODIES, FORM
from heatsvc.pose.readers import READERS, ReadOptions, find_reader
from heatsvc.pose.readers.upload import Upload
from tests.api.client import NPY, Client, Response
from tests.api.conftest import running
from tests.cases.formats import KINDS
from tests.serving import ROOT

PICKLE = "application/x-pickle"
FOLDER = ROOT / "openapi" / "examples"
EXAMPLES = json.loads((FOLDER / "examples.json").read_text())
IDS = [example["body"] if "body" in example else example["form"][0]["file"] for example in EXAMPLES]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(data_dir=tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_response_is_as_described(client: Client, example: dict[str, Any]):
    response, expected = send(client, example), example["response"]
    assert (response.status, response.headers["content-type"]) == (expected["status"], expected["content_type"])
    if expected["content_type"] == PICKLE:
        assert sorted(pickle.loads(response.wire)) == ["annotations", "provenance", "split"]
        return
    arrays = {"": response.array()} if expected["content_type"] == NPY else response.tensors()
    assert {name: (list(array.shape), array.dtype.name) for name, array in arrays.items()} == {
        (array["name"] if expected["content_type"] != NPY else ""): (array["shape"], array["dtype"])
        for array in expected["arrays"]
    }
    for array in arrays.values():
        assert array.max() > 0
        assert np.isfinite(array).all()


def test_one_clip_in_three_formats_gives_the_same_heatmaps(client: Client):
    """The first 16 frames of FIRE, as an array, as MMPose's and as COCO-WholeBody's."""
    options = {"img_shape": [1080, 1920], "select": "sign27"}
    expected = client.post_npy(np.load(FOLDER / "clip.npy")[:16], **options).array()
    mmpose = json.loads((FOLDER / "mmpose.json").read_text())
    files = {
        "coco_wholebody.json": (FOLDER / "coco_wholebody.json").read_bytes(),
        "mmpose.json": json.dumps(mmpose["instance_info"][:16]).encode(),
    }
    for name, data in files.items():
        np.testing.assert_array_equal(client.post_files({name: data}, options).array(), expected, name)


def test_example_of_the_openapi_document(client: Client):
    document = client.get("/openapi.json").json()
    body = document["paths"]["/heatmap"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post_json(body["example"]).array().shape == (2, 64, 64)


def test_every_body_type_has_an_example():
    sent = {example["headers"].get("Content-Type", FORM) for example in EXAMPLES}
    assert sent == {*BODIES, FORM}


def test_every_format_has_an_example_or_a_kind_of_file_in_docs_formats():
    uploads = [Upload((FOLDER / name).read_bytes(), name, ReadOptions()) for name in IDS]
    uploads += [Upload(kind.make(), kind.filename, ReadOptions()) for kind in KINDS]
    found = {reader.name for upload in uploads if (reader := find_reader(upload))}
    # YOLO's labels are in an archive there; of tables with a row for each landmark there are too many forms.
    assert {*found, "yolo_labels", "long_table"} == {reader.name for reader in READERS}


def test_readme_agrees_with_the_index():
    text = (FOLDER / "README.md").read_text()
    commands = [block.split("```")[0] for block in text.split("```sh\n")[1:]]
    assert len(commands) == len(EXAMPLES)
    for line, example, sent in zip(commands, EXAMPLES, IDS, strict=True):
        words = shlex.split(line)
        assert f"http://127.0.0.1:8000{example['path']}" in words
        for name, value in example["headers"].items():
            assert f"{name}: {value}" in words
        assert any(word.endswith(f"@openapi/examples/{sent}") for word in words)
        assert all(f"options={part['text']}" in words for part in example.get("form", ()) if "text" in part)


def test_pickle_can_be_read_by_old_numpy():
    """Protocol 4 at most, and no name that NumPy 1 does not have."""
    data = (FOLDER / "annotation.pkl").read_bytes()
    assert data[:2] == b"\x80\x04"
    assert b"numpy._core" not in data
    assert list(pickle.loads(data)) == ["split", "annotations"]


def test_files_are_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir() if path.is_file()}
    assert max(sizes.values()) < 300_000
    assert sum(sizes.values()) < 1_000_000


def send(client: Client, example: dict[str, Any]) -> Response:
    method, path, headers = example["method"], example["path"], example["headers"]
    if "body" in example:
        return client.request(method, path, content=(FOLDER / example["body"]).read_bytes(), headers=headers)
    parts = example["form"]
    files = [(part["name"], (part["file"], (FOLDER / part["file"]).read_bytes())) for part in parts if "file" in part]
    fields = {part["name"]: part["text"] for part in parts if "text" in part}
    return client.request(method, path, files=files, data=fields, headers=headers)
