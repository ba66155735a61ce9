"""heatsvc in process, this version or 0.1.0: what each line of standard input asks for.

    encode_clips.py CLIPS.npz BODY.json

`CLIPS.npz` holds keypoint [N, T, V, 2] and keypoint_score [N, T, V], `BODY.json` a request of the same clips. A line
is JSON: `step`, a GeneratePoseTarget, `dtype` and `compression` (null for what is best for the type) to encode all
clips as .npy bodies in zstd; or null, to read the body as arrays. Each line written is JSON: `seconds`, and `bytes` of
the encoded bodies. The kernels of 0.1.0 are compiled, or loaded, before anything is timed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS, ZSTD
from heatsvc.pipeline import parse_pipeline
from heatsvc.pose import PoseClip

SIDE = 64

try:
    from heatsvc.api.request import from_json
    from heatsvc.encode.formats import FORMATS
    from heatsvc.encode.job import PlannedVolume, RenderJob

    def encode(volume: Any, dtype: str, coding: Any) -> bytes:
        """The body of one volume."""
        planned = PlannedVolume.plan("clip", volume, dtype, coding)
        return RenderJob(FORMATS["application/x-npy"].writer([planned], coding, DEFAULT_BOUNDS)).render()

except ImportError:  # 0.1.0
    from heatsvc.api.clips import from_json
    from heatsvc.encode.drawing import Drawing
    from heatsvc.encode.errand import Errand
    from heatsvc.encode.forms import FORMS

    def encode(volume: Any, dtype: str, coding: Any) -> bytes:
        """The body of one volume."""
        layout = FORMS["application/x-npy"].layout([Drawing.of("clip", volume, dtype)], coding, DEFAULT_BOUNDS)
        return b"".join(layout.write(Errand()).chunks)


def timed(work: Callable[[], Any]) -> float:
    """Seconds of the shortest of five runs."""
    seconds = []
    for _ in range(5):
        started = perf_counter()
        work()
        seconds.append(perf_counter() - started)
    return min(seconds)


def main(clips_path: str, body_path: str) -> None:
    """Respond to each line until the input ends."""
    with np.load(clips_path) as file:
        pairs = zip(file["keypoint"], file["keypoint_score"], strict=True)
        clips = [PoseClip.build(keypoint, score, img_shape=(SIDE, SIDE)) for keypoint, score in pairs]
    body = Path(body_path).read_bytes()
    for line in sys.stdin:
        asked = json.loads(line)
        size = 0
        if asked is None:
            seconds = timed(lambda: from_json(body, b"", DEFAULT_BOUNDS))
        else:
            pipeline = parse_pipeline([asked["step"]])
            volumes = [pipeline.run(clip) for clip in clips]
            coding = ZSTD[asked["compression"]] if asked["compression"] else CODINGS["zstd"]
            work = (volumes, asked["dtype"], coding)
            size = sum(len(encode(volume, *work[1:])) for volume in volumes)
            seconds = timed(lambda work=work: [encode(volume, *work[1:]) for volume in work[0]])
        print(json.dumps({"seconds": seconds, "bytes": size}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
