"""Takes clips through the datasets of an MMAction2 config; prints shapes and labels, saves the pixels that are not 0.

load_dataset.py CONFIG FOLDER [PART ...]
"""

import json
import sys
from pathlib import Path

import mmaction.datasets
import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

config = Config.fromfile(sys.argv[1])
init_default_scope(config.default_scope)
np.random.seed(0)
reported = {"PoseDataset": mmaction.datasets.PoseDataset.__module__}
for part in sys.argv[3:] or ("train", "val", "test"):
    dataset = DATASETS.build(config[f"{part}_dataloader"].dataset)
    clips = []
    # RepeatDataset goes ten times over the same clips: once is enough.
    for i in range(len(getattr(dataset, "dataset", dataset))):
        packed = dataset[i]
        inputs = packed["inputs"].numpy()
        index = np.flatnonzero(inputs)
        np.savez(Path(sys.argv[2]) / f"{part}_{i}.npz", index=index, value=inputs.reshape(-1)[index])
        clips.append([list(inputs.shape), int(packed["data_samples"].gt_label)])
    reported[part] = {"length": len(dataset), "clips": clips}
print(json.dumps(reported))
