"""Annotation pickles as a source: each of their clips becomes a file of its own, read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from heatsvc.annotation.sources.keypoint_file import KeypointFile
from heatsvc.bounds import Bounds
from heatsvc.pose.readers import ReadOptions, read

EXTENSIONS = (".pkl", ".pickle")


def files_in_pickle(
    source: KeypointFile, folder: Path, options: ReadOptions, bounds: Bounds, keep_going: Callable[[], None]
) -> Iterator[KeypointFile]:
    """Its clips, each written to `folder` as an `.npz`, and named by its `frame_dir`.

    Raises:
        PoseError, LimitError: as the reader of annotation pickles.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(read(source.read(bounds), filename=source.name, options=options)):
        keep_going()
        path = folder / f"{number:06d}.npz"
        arrays: dict[str, object] = {
            "keypoint": clip.keypoint,
            "keypoint_score": clip.keypoint_score,
            "img_shape": np.array(clip.img_shape),
        }
        if clip.layout is not None:
            arrays["layout"] = np.array(clip.layout.name)
        np.savez(path, **arrays)  # type: ignore[arg-type]  # arrays, and no keyword of savez among them
        yield KeypointFile(clip.frame_dir or f"{source.name}/{number}", str(path), size=path.stat().st_size)
