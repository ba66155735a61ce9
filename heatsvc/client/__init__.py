"""Client and AsyncClient: use a heatsvc service from Python.

    from heatsvc.client import Client

    with Client("http://127.0.0.1:8000") as client:
        imgs = client.heatmap("clip.npy", img_shape=(1080, 1920), select="sign27")

Importing it loads neither the service nor the kernels nor PyTorch. `make client` makes `synchronous/` from
`asynchronous/`, which is written by hand.
"""

from __future__ import annotations

from heatsvc.client.asynchronous.client import AsyncClient
from heatsvc.client.errors import (
    BuildFailedError,
    ConnectionFailedError,
    HeatsvcError,
    InvalidResponseError,
    ServiceError,
)
from heatsvc.client.options import AnnotationOptions, HeatmapOptions
from heatsvc.client.progress import Progress
from heatsvc.client.synchronous.client import Client

__all__ = [
    "AnnotationOptions",
    "AsyncClient",
    "BuildFailedError",
    "Client",
    "ConnectionFailedError",
    "HeatmapOptions",
    "HeatsvcError",
    "InvalidResponseError",
    "Progress",
    "ServiceError",
]
