"""What the tests ask with: bodies as a client makes them, and answers read by decoders that are not ours."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
import numpy as np
import numpy.typing as npt
import safetensors.numpy
from fastapi import FastAPI

from tests.encode.test_codings import DECODERS
from tests.pose.readers.samples import npy

NPY = "application/x-npy"
NPZ = "application/x-npz"
JSON = "application/json"
SAFETENSORS = "application/vnd.safetensors"
PROBLEM = "application/problem+json"
HEATMAP = "/heatmap"

Result = TypeVar("Result")

CLIP: dict[str, Any] = {"keypoint": [[[10.0, 20.0], [30.0, 40.0], [55.0, 60.0]]], "img_shape": [64, 64]}
DRAW: list[dict[str, Any]] = [{"type": "GeneratePoseTarget"}]


@dataclass(frozen=True)
class Answer:
    """A response whose body is as it came over the wire."""

    status: int
    headers: httpx.Headers
    wire: bytes

    @property
    def body(self) -> bytes:
        """The body without its content coding."""
        return DECODERS[self.headers.get("content-encoding", "identity")](self.wire)

    def array(self) -> npt.NDArray[Any]:
        """The one volume."""
        assert self.status == 200, self.wire[:500]
        assert self.headers["content-type"] == NPY
        return np.load(io.BytesIO(self.body))  # type: ignore[no-any-return]

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Volumes by name."""
        assert self.status == 200, self.wire[:500]
        if self.headers["content-type"] == NPZ:
            with np.load(io.BytesIO(self.body)) as file:
                return dict(file)
        assert self.headers["content-type"] == SAFETENSORS
        return safetensors.numpy.load(self.body)

    def json(self) -> Any:
        """The document."""
        return json.loads(self.body)

    def problem(self, status: int) -> dict[str, Any]:
        """The problem document that says why; its own status is the response's."""
        assert (self.status, self.headers["content-type"]) == (status, PROBLEM), self.wire[:500]
        document: dict[str, Any] = self.json()
        assert document["status"] == status
        assert len(document["detail"]) < 800
        return document


class Asker:
    """An app in this process, with an event loop in a thread of its own; sends no header that it is not told to."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://heatsvc", timeout=None)
        for name in ("accept", "accept-encoding"):
            del self.client.headers[name]
        self._lifespan = app.router.lifespan_context(app)

    def start(self) -> None:
        """Start the app, and wait until it is warm."""
        self.open()
        self.wait(self._lifespan.__aenter__())
        until = time.monotonic() + 240  # the loops may have to be compiled
        while self.get("/health/ready").status != 200:
            assert time.monotonic() < until, "the service does not become ready"
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the app and its loop."""
        self.wait(self._lifespan.__aexit__(None, None, None))
        self.close()

    def open(self) -> None:
        """Start the loop alone: the app answers, and has not been told to get ready."""
        self._thread.start()

    def close(self) -> None:
        """Stop the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine in the app's event loop gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=120)

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        """One request; `more` as httpx has it."""
        return self.wait(self.asking(method, path, **more))

    async def asking(self, method: str, path: str, **more: Any) -> Answer:
        """The same as a coroutine, so that a test can ask several things at a time."""
        async with self.client.stream(method, path, **more) as response:
            return Answer(
                response.status_code, response.headers, b"".join([part async for part in response.aiter_raw()])
            )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(
        self,
        body: bytes | AsyncIterator[bytes],
        media_type: str = JSON,
        query: Mapping[str, Any] | str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`POST /heatmap` of bytes; lists and objects of the query go as JSON."""
        if not isinstance(query, str):
            query = urlencode({name: as_text(value) for name, value in query.items()})
        path = f"{HEATMAP}?{query}" if query else HEATMAP
        return self.ask("POST", path, content=body, headers={"content-type": media_type, **(headers or {})})

    def draw(self, document: Any, **headers: str) -> Answer:
        """`POST /heatmap` of a JSON document; a header `accept_encoding=...` for each keyword."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(json.dumps(document).encode(), headers=named)

    def draw_array(self, array: npt.NDArray[Any], headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """`POST /heatmap` of an .npy body with its options in the query."""
        return self.post(npy(array), NPY, options, headers)

    def send_files(
        self,
        files: Mapping[str, bytes] | Iterable[tuple[str, bytes]],
        options: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`POST /heatmap` of a form."""
        pairs = files.items() if isinstance(files, Mapping) else files
        parts = [("file", (name, data, "application/octet-stream")) for name, data in pairs]
        data = {} if options is None else {"options": json.dumps(options)}
        return self.ask("POST", HEATMAP, files=parts, data=data, headers=headers)


def as_text(value: Any) -> str:
    """A query's value: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def listed(array: npt.NDArray[Any]) -> Any:
    """Nested lists for JSON; NaN is null."""
    holes = np.where(np.isnan(array), None, array.astype(object)) if np.isnan(array).any() else array
    return holes.tolist()


def clip_of(array: npt.NDArray[Any], img_shape: tuple[int, int] = (64, 64), **more: Any) -> dict[str, Any]:
    """A JSON clip."""
    return {"keypoint": listed(array), "img_shape": list(img_shape), **more}
