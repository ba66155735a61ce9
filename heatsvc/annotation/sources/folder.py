"""A folder of keypoint files, with all below it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from heatsvc.annotation.sources.keypoint_file import KeypointFile
from heatsvc.annotation.sources.member_names import is_keypoints
from heatsvc.bounds import Bounds


def files_in_folder(folder: Path, bounds: Bounds, keep_going: Callable[[], None]) -> Iterator[KeypointFile]:
    """Files of keypoints, named by their way from the folder. Links are not followed out of it.

    Raises:
        LimitError: more than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    root = os.path.realpath(folder)
    waiting, count, size = [(root, "")], 0, 0
    while waiting:
        keep_going()
        folder_path, prefix = waiting.pop()
        with os.scandir(folder_path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, f"{prefix}{entry.name}/"))
                    continue
                if not is_keypoints(entry.name) or not _is_within(entry, root):
                    continue
                name = prefix + entry.name
                count += 1
                size += entry.stat().st_size
                bounds.check("max_dataset_files", count, "files in a folder", file=name)
                bounds.check("max_dataset_bytes", size, "bytes in a folder", file=name)
                yield KeypointFile(name, entry.path)


def _is_within(entry: os.DirEntry[str], root: str) -> bool:
    if not entry.is_symlink():
        return entry.is_file()
    target = os.path.realpath(entry.path)
    return os.path.commonpath((target, root)) == root and os.path.isfile(target)
