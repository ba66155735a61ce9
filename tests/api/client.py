"""Client: sends requests to an application in this process, and reads responses by decoders that are not ours."""

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
from starlette.types import Message

from tests.encode.test_codings import DECODERS
from tests.pose.readers.samples import npy

NPY = "application/x-npy"
NPZ = "application/x-npz"
JSON = "application/json"
SAFETENSORS = "application/vnd.safetensors"
PROBLEM = "application/problem+json"
HEATMAP = "/heatmap"
TIMEOUT = 60.0

Result = TypeVar("Result")

CLIP: dict[str, Any] = {"keypoint": [[[10.0, 20.0], [30.0, 40.0], [55.0, 60.0]]], "img_shape": [64, 64]}
PIPELINE: list[dict[str, Any]] = [{"type": "GeneratePoseTarget"}]


@dataclass(frozen=True)
class Response:
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
        """The problem document; its status is the response's."""
        assert (self.status, self.headers["content-type"]) == (status, PROBLEM), self.wire[:500]
        document: dict[str, Any] = self.json()
        assert document["status"] == status
        assert len(document["detail"]) < 800
        return document


class Client:
    """A client of an application in this process, whose event loop runs in a thread; adds no `Accept` headers."""

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
        """Start the application, and wait until it is warm."""
        self.open()
        self.wait(self._lifespan.__aenter__())
        until = time.monotonic() + 240  # the kernels may have to be compiled
        while self.get("/health/ready").status != 200:
            assert time.monotonic() < until, "the service does not become ready"
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the application and the event loop."""
        self.wait(self._lifespan.__aexit__(None, None, None))
        self.close()

    def open(self) -> None:
        """Start the event loop without the application's lifespan: the service is not warm."""
        self._thread.start()

    def close(self) -> None:
        """Stop the event loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """The result of a coroutine, run in the application's event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=120)

    def request(self, method: str, path: str, **more: Any) -> Response:
        """One request; `more`: arguments of `httpx.AsyncClient.stream`."""
        return self.wait(self.send(method, path, **more))

    async def send(self, method: str, path: str, **more: Any) -> Response:
        """The same as a coroutine, for several requests at a time."""
        async with self.client.stream(method, path, **more) as response:
            return Response(
                response.status_code, response.headers, b"".join([part async for part in response.aiter_raw()])
            )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("GET", path, headers=headers)

    def post(
        self,
        body: bytes | AsyncIterator[bytes],
        media_type: str = JSON,
        query: Mapping[str, Any] | str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """`POST /heatmap` of bytes; lists and objects of the query go as JSON."""
        if not isinstance(query, str):
            query = urlencode({name: as_text(value) for name, value in query.items()})
        path = f"{HEATMAP}?{query}" if query else HEATMAP
        return self.request("POST", path, content=body, headers={"content-type": media_type, **(headers or {})})

    def post_json(self, document: Any, **headers: str) -> Response:
        """`POST /heatmap` of a JSON document; a header `accept_encoding=...` for each keyword."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(json.dumps(document).encode(), headers=named)

    def post_npy(self, array: npt.NDArray[Any], headers: Mapping[str, str] | None = None, **options: Any) -> Response:
        """`POST /heatmap` of an .npy body with its options in the query."""
        return self.post(npy(array), NPY, options, headers)

    def post_files(
        self,
        files: Mapping[str, bytes] | Iterable[tuple[str, bytes]],
        options: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """`POST /heatmap` of a form."""
        pairs = files.items() if isinstance(files, Mapping) else files
        parts = [("file", (name, data, "application/octet-stream")) for name, data in pairs]
        data = {} if options is None else {"options": json.dumps(options)}
        return self.request("POST", HEATMAP, files=parts, data=data, headers=headers)


class StreamedRequest:
    """A `POST /heatmap` of a JSON document by ASGI alone; its client takes the messages of the response one by one.

    `httpx.ASGITransport` collects whole bodies; here `send` blocks until the message before has been taken.
    """

    def __init__(self, client: Client, document: Any, headers: Mapping[str, str] | None = None) -> None:
        self._app = client.app
        self._body = json.dumps(document).encode()
        self._headers = {"content-type": JSON, "content-length": str(len(self._body)), **(headers or {})}
        self._messages: asyncio.Queue[Message] = asyncio.Queue(1)
        self._disconnected = asyncio.Event()
        self._is_received = False

    async def run(self) -> None:
        """Have the application respond."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": HEATMAP,
            "raw_path": HEATMAP.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in self._headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        await self._app(scope, self._receive, self._send)

    async def take(self, count: int) -> list[Message]:
        """The next messages."""
        return [await asyncio.wait_for(self._messages.get(), TIMEOUT) for _ in range(count)]

    async def take_all(self, running: asyncio.Task[None]) -> list[Message]:
        """All messages until `run` ends."""
        messages = []
        while not (running.done() and self._messages.empty()):
            taking = asyncio.create_task(self._messages.get())
            await asyncio.wait((taking, running), timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
            else:
                messages.append(taking.result())
        return messages

    def disconnect(self) -> None:
        """Close the connection: as with uvicorn, what is sent from now on is dropped."""
        self._disconnected.set()
        if not self._messages.empty():
            self._messages.get_nowait()

    async def _receive(self) -> Message:
        if not self._is_received:
            self._is_received = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._disconnected.is_set():
            return
        await self._messages.put(message)


def as_text(value: Any) -> str:
    """A query's value: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def to_lists(array: npt.NDArray[Any]) -> Any:
    """Nested lists for JSON; NaN is null."""
    holes = np.where(np.isnan(array), None, array.astype(object)) if np.isnan(array).any() else array
    return holes.tolist()


def clip_of(array: npt.NDArray[Any], img_shape: tuple[int, int] = (64, 64), **more: Any) -> dict[str, Any]:
    """A JSON clip."""
    return {"keypoint": to_lists(array), "img_shape": list(img_shape), **more}
