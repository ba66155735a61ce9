"""Responses: decoded, and compared with MMAction2's pixels before anything is timed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from benchmarks.inputs import MANY
from benchmarks.load import HOST, Request, open_response
from benchmarks.servers import Server

TOLERANCE = {"keypoints": 2e-6, "limbs": 2e-5}


def npy_array(body: bytes) -> npt.NDArray[Any]:
    """An npy body in zstd as the array."""
    with zstandard.ZstdDecompressor().stream_reader(body) as plain:
        array: npt.NDArray[Any] = np.load(io.BytesIO(plain.read()))
    return array


def tensors(body: bytes) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The tensors of a safetensors body in zstd by name, decoded one at a time: together they are nearly a gigabyte."""
    with zstandard.ZstdDecompressor().stream_reader(body) as plain:
        header = json.loads(plain.read(int.from_bytes(plain.read(8), "little")))
        header.pop("__metadata__", None)
        for name, member in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = member["data_offsets"]
            yield name, np.frombuffer(plain.read(end - begin), np.float32).reshape(member["shape"])


def check_same(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], kind: str) -> None:
    """Raise where two volumes differ by more than the tolerance, or a map is empty."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    worst = float(np.abs(ours - theirs).max())
    assert worst <= TOLERANCE[kind], f"{kind}: heatsvc and MMAction2 differ by {worst}"
    assert (theirs.max((2, 3)) > 0).all(), "a map is empty"


def check_many(body: bytes, first: npt.NDArray[np.float32], sums: list[float], kind: str) -> None:
    """Raise where the first clip differs from MMAction2's, or another one's sum of pixels does."""
    names = []
    for index, (name, volume) in enumerate(tensors(body)):
        names.append(name)
        if index == 0:
            check_same(volume, first, kind)
        if index < len(sums):
            assert abs(volume.sum(dtype=np.float64) - sums[index]) <= 1e-5 * sums[index], name
    assert names == [f"clip_{index:02}" for index in range(MANY)], names


def count_bytes(server: Server, request: Request) -> int:
    """Send a request, and count the bytes of the response's body without keeping them."""
    connection = HTTPConnection(HOST, server.port, timeout=120)
    try:
        response = open_response(connection, request)
        total = 0
        while chunk := response.read(1 << 20):
            total += len(chunk)
        return total
    finally:
        connection.close()
