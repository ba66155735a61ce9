"""Parses configs as mmengine does; prints what they name."""

import json
import sys

from mmengine.config import Config

reported = {}
for path in sys.argv[1:]:
    config = Config.fromfile(path)
    if "data" in config:
        batch = config.data.videos_per_gpu
        splits = [config.data.train.dataset.split, config.data.val.split, config.data.test.split]
    else:
        batch = config.train_dataloader.batch_size
        train = config.train_dataloader.dataset.dataset.split
        splits = [train, config.val_dataloader.dataset.split, config.test_dataloader.dataset.split]
    Config.fromstring(config.pretty_text, ".py")
    reported[path.rpartition("/")[2]] = {
        "ann_file": config.ann_file,
        "in_channels": config.model.backbone.in_channels,
        "num_classes": config.model.cls_head.num_classes,
        "batch": batch,
        "splits": splits,
    }
print(json.dumps(reported))
