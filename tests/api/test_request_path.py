"""The files that a request passes are those that docs/explanation/architecture.md lists."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

import heatsvc
from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.api.client import Client

PACKAGE = Path(heatsvc.__file__).parent
DOCS = PACKAGE.parent / "docs/explanation/architecture.md"
MAX_FILES = 15
# One file for each keypoint format, step, response format and content coding: the request says which.
ONE_OF_MANY = ("pose/readers/", "pipeline/steps/", "encode/formats/", "encode/codings/")
# The application is called without the server.
SERVER = "api/protocol.py"
DOCUMENT = {"keypoint": [[[10 + i, 20, 0.9] for i in range(17)]] * 8, "img_shape": [64, 64]}


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(create_app(Settings(_env_file=None)))
    client.start()
    yield client
    client.stop()


def test_a_small_request_passes_the_files_that_the_documentation_lists(client: Client) -> None:
    listed = re.findall(r"^\| `(\S+\.py)`", DOCS.read_text().split("<!-- path -->")[1], re.MULTILINE)
    assert client.post_json(DOCUMENT, accept_encoding="zstd").status == 200

    assert {SERVER, *client.wait(files_entered(client))} == set(listed)
    assert len(listed) <= MAX_FILES


async def files_entered(client: Client) -> set[str]:
    """The files of the package whose functions run for a second request."""
    files: set[str] = set()

    def on_event(frame: FrameType, event: str, argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            files.add(path.relative_to(PACKAGE).as_posix())

    sys.setprofile(on_event)
    try:
        response = await client.send("POST", "/heatmap", json=DOCUMENT, headers={"accept-encoding": "zstd"})
    finally:
        sys.setprofile(None)
    assert response.status == 200
    return {file for file in files if not file.startswith(ONE_OF_MANY)}
