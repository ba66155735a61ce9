"""Reads an annotation pickle with NumPy and the standard library alone; prints what is in it."""

import importlib.util
import json
import pickle
import sys

import numpy as np

with open(sys.argv[1], "rb") as file:
    content = pickle.load(file)
clips = [
    {
        **{key: value for key, value in clip.items() if not isinstance(value, np.ndarray)},
        **{
            key: [str(value.dtype), list(value.shape), float(value.astype(np.float64).sum()), value.flags.writeable]
            for key, value in clip.items()
            if isinstance(value, np.ndarray)
        },
    }
    for clip in content["annotations"]
]
others = [name for name in ("heatsvc", "scipy", "torch") if importlib.util.find_spec(name)]
print(json.dumps({"numpy": np.__version__, "others": others, "split": content["split"], "annotations": clips}))
