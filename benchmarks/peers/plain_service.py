"""The plain service: what one writes in an afternoon around MMAction2's `GeneratePoseTarget`.

It takes the same `POST /heatmap` requests as heatsvc, as far as the benchmark sends them: a JSON clip or an npy body,
in map pixels, rendered with MMAction2's defaults, with a response in npy, zstd level 1. MMAction2's class is imported
from the wheel as it is and nothing of it is replaced.

Of two ways to write a thing the faster one is taken, so that the comparison is with MMAction2 and not with slack:
orjson and `np.array` rather than a pydantic model of nested lists (0.25 against 0.4 ms); the work on the event loop
rather than in Starlette's thread pool, for one core has nothing to gain from a thread; one compressor kept, and one
file in memory for `np.save`: with a new one each time the C library hands its pages back and asks for them again, and
`np.save` takes 16 ms instead of 2.
"""

from __future__ import annotations

import io

import numpy as np
import orjson
import zstandard
from fastapi import FastAPI, Request, Response
from mmaction.datasets.transforms.pose_transforms import GeneratePoseTarget

app = FastAPI()
target = GeneratePoseTarget()
compressor = zstandard.ZstdCompressor(level=1)
file = io.BytesIO()


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Ready as soon as it responds: nothing has to be compiled."""
    return {"status": "ready"}


@app.post("/heatmap")
async def heatmap(request: Request) -> Response:
    """Draw one clip, given as JSON or as an npy body `[T, V, 3]` with `img_shape` in the query."""
    body = await request.body()
    if request.headers["content-type"] == "application/x-npy":
        clip = np.load(io.BytesIO(body))[None]
        keypoint, score = clip[..., :2], clip[..., 2]
        height, width = map(int, request.query_params["img_shape"].split(","))
    else:
        fields = orjson.loads(body)
        keypoint = np.array(fields["keypoint"], np.float32)[None]
        score = np.array(fields["keypoint_score"], np.float32)[None]
        height, width = fields["img_shape"]
    rendered = target.transform({"keypoint": keypoint, "keypoint_score": score, "img_shape": (height, width)})
    file.seek(0)
    np.save(file, rendered["imgs"])
    file.truncate()
    return Response(
        compressor.compress(file.getbuffer()), media_type="application/x-npy", headers={"Content-Encoding": "zstd"}
    )
