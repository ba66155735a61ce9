"""A request whose response other programs decode, and a proxy that sets `Accept-Encoding` for a browser."""

from __future__ import annotations

import http.client
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.api.client import clip_of, to_lists
from tests.golden import load_golden
from tests.live.server import Live

CODINGS = ("zstd", "deflate", "gzip")
# 26 MB dense: more than one block of zstd, one tile, one read of a socket.
CASE = load_golden("pipeline_wholebody133")
BODY = json.dumps(
    clip_of(CASE.keypoint, CASE.img_shape, keypoint_score=to_lists(CASE.keypoint_score), pipeline=CASE.pipeline)
).encode()
HEADERS = {"Content-Type": "application/json"}


def raw(live: Live, accept_encoding: str) -> bytes:
    """The encoded body of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port)
    try:
        connection.request("POST", "/heatmap", BODY, {**HEADERS, "Accept-Encoding": accept_encoding})
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers.get("Content-Encoding", "identity") == accept_encoding
        return response.read()
    finally:
        connection.close()


def path_of(program: str) -> str:
    """Where it is; its name where it is missing, so that to start it fails."""
    return shutil.which(program) or program


class OneCoding(http.server.BaseHTTPRequestHandler):
    """A proxy: `/gzip/heatmap` is `/heatmap` with `Accept-Encoding: gzip`.

    A page cannot set that header, nor can the browser's tools; and the bytes that come back are the service's own.
    """

    protocol_version = "HTTP/1.1"
    port: int

    def do_POST(self) -> None:
        coding, path = self.path.removeprefix("/").split("/", 1)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.forward("POST", f"/{path}", body, {**HEADERS, "Accept-Encoding": coding})

    def do_GET(self) -> None:
        self.forward("GET", self.path, None, {})

    def forward(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.read())
        connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def one_coding(live: Live) -> Iterator[str]:
    """The URL of a proxy to the service."""
    handler = type("Handler", (OneCoding,), {"port": live.port})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
