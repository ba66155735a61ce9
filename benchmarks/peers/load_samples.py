"""MMAction2's training pipeline in process: loads samples of an annotation pickle, a line on standard input a time.

    load_samples.py CONFIG

`CONFIG` is a training config whose pickle lies beside it. Each line read is JSON: `samples`, how many to load, and
`batch`. Each line written is JSON: the seconds that it took to load and collate so many, in the order of the pickle
over and over, the shape of a batch, its labels and the sum of all pixels.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope


def main(path: str) -> None:
    """Respond to each line until the input ends."""
    output, sys.stdout = sys.stdout, sys.stderr  # where mmengine logs to
    torch.set_num_threads(1)
    os.chdir(Path(path).parent)
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    dataset = DATASETS.build(config.train_dataloader.dataset.dataset)
    print(json.dumps({"numpy": np.__version__, "clips": len(dataset)}), file=output, flush=True)
    for line in sys.stdin:
        options = json.loads(line)
        seconds, total, last = 0.0, 0.0, ([], [])
        for first in range(0, options["samples"], options["batch"]):
            start = time.perf_counter()
            samples = [dataset[(first + i) % len(dataset)] for i in range(options["batch"])]
            # Its model stacks the samples itself, in BaseDataPreprocessor, as float32.
            imgs = torch.stack([sample["inputs"] for sample in samples]).float()
            labels = [int(sample["data_samples"].gt_label) for sample in samples]
            seconds += time.perf_counter() - start
            total += float(imgs.sum(dtype=torch.float64))
            last = (list(imgs.shape), labels)
        response = {"seconds": seconds, "sum": total, "shape": last[0], "labels": last[1]}
        print(json.dumps(response), file=output, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
