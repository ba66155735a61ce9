"""MMAction2 in process: renders clips one run for each line of standard input.

    render_clips.py CLIPS.npz

`CLIPS.npz` holds keypoint [N, T, V, 2] and keypoint_score [N, T, V]. Each line read is the arguments of a
`GeneratePoseTarget` as JSON, with `img_shape` besides, `count`, how many of the clips, `save`, a path for the first
clip's volume as npy, or null, and `zstd`, a level of compression, or null. Each line written is JSON: the seconds that
rendering those clips took, and compressing them where a level was given, and each one's sum over all pixels. Nothing is
read, stacked or kept while the clock runs.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import zstandard
from mmaction.datasets.transforms.pose_transforms import GeneratePoseTarget


def main(path: str) -> None:
    """Respond to each line until the input ends."""
    with np.load(path) as file:
        clips = list(zip(file["keypoint"], file["keypoint_score"], strict=True))
    print(json.dumps({"numpy": np.__version__}), flush=True)
    for line in sys.stdin:
        arguments = json.loads(line)
        img_shape, count, save, zstd = (arguments.pop(name) for name in ("img_shape", "count", "save", "zstd"))
        target = GeneratePoseTarget(**arguments)
        compressor = None if zstd is None else zstandard.ZstdCompressor(level=zstd)
        seconds = 0.0
        sums = []
        for keypoint, score in clips[:count]:
            results = {"keypoint": keypoint[None], "keypoint_score": score[None], "img_shape": tuple(img_shape)}
            start = time.perf_counter()
            rendered = target.transform(results)["imgs"]
            if compressor:
                compressor.compress(rendered.data)
            seconds += time.perf_counter() - start
            if save and not sums:
                np.save(save, rendered)
            sums.append(float(rendered.sum(dtype=np.float64)))
        print(json.dumps({"seconds": seconds, "sums": sums}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
