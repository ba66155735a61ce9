"""Reads folders of keypoint files: each file is read separately, and the frame files of a clip are joined."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.archives.formats import is_archive_name, without_compression
from heatsvc.pose.archives.unreadable import find_unreadable
from heatsvc.pose.archives.zip import is_hidden
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.archive import NamedBytes, read_files
from heatsvc.pose.readers.upload import EXTENSIONS, ReadOptions

PICKLES = (".pkl", ".pickle")
"""Extensions of annotation pickles."""
_MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FolderClips:
    """The clips of a folder.

    Attributes:
        clips: clips of all its keypoint files, in the order of the files' names.
        left_out: sentences about files that may have keypoints but were not read.
    """

    clips: list[PoseClip]
    left_out: list[str]


def read_folder(folder: Path, options: ReadOptions) -> FolderClips:
    """Read the clips of a folder, and of the folders and archives in it.

    Other files, such as tables and videos, are ignored. Links are followed within the folder; a linked file is read
    once, with the first link's name.

    Raises:
        OSError: a file or folder cannot be opened.
        PoseError: there is no keypoint file, or one cannot be read.
        LimitError: the number of files, bytes or clips exceeds a bound.
    """
    bounds = options.bounds
    other: list[str] = []
    links_out: list[str] = []
    paths: dict[str, str] = {}
    size = 0

    def is_wanted(name: str) -> bool:
        wanted = is_keypoint_file(name) or (is_archive_name(name) and not is_hidden(name))
        if not wanted and not is_hidden(name):
            other.append(name)
        return wanted

    for name, entry in files_in_folder(folder, is_wanted, options.token, links_out):
        paths[name] = entry.path
        size += entry.stat().st_size
        bounds.check("max_archive_members", len(paths), "files in a folder", file=name)
        bounds.check("max_unpacked_bytes", size, "bytes in a folder", file=name)
    left_out = []
    if links_out:
        shown = ", ".join(map(repr, sorted(links_out)[:_MAX_SHOWN]))
        left_out.append(f"links that lead out of the folder are not followed ({len(links_out):,}, such as {shown})")
    for name in sorted(other):
        kind = find_unreadable(b"", name)
        if kind is not None and kind.may_hold_keypoints:
            left_out.append(f"{name!r:.100} is {kind.title}")
    if not paths:
        there = "; ".join([f"there are {', '.join(map(repr, sorted(other)[:_MAX_SHOWN]))}"] * bool(other) + left_out)
        known = ", ".join((*EXTENSIONS, *PICKLES))
        raise PoseError(f"the folder has no keypoint files ({known}); {there}".rstrip("; "), file=folder.name)
    links = sorted(paths, key=lambda name: (not os.path.islink(paths[name]), name))
    once = {os.path.realpath(paths[name]): name for name in reversed(links)}
    files = [NamedBytes(name, Path(paths[name]).read_bytes()) for name in sorted(once.values())]
    return FolderClips(read_files(files, options, folder.name, leave_out_texts=True), left_out)


def is_keypoint_file(name: str) -> bool:
    """Whether a file is read, by its name; others (a README, videos) are ignored."""
    return without_compression(name.lower()).endswith((*EXTENSIONS, *PICKLES)) and not is_hidden(name)


def files_in_folder(
    folder: Path,
    wanted: Callable[[str], bool],
    token: CancelToken = NEVER_CANCELLED,
    links_out: list[str] | None = None,
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files in a folder and its subfolders, in any order, with their relative paths.

    Links within the folder are followed, except links to folders inside a linked folder, to avoid loops. Links out of
    the folder are not followed.

    Args:
        folder: the folder.
        wanted: selects files by name.
        token: checked between steps; cancels the work.
        links_out: collects the paths of links of wanted files and folders that lead out of the folder or are broken.
    """
    root = os.path.realpath(folder)
    folders = [(root, "", False)]
    while folders:
        token.raise_if_cancelled()
        folder_path, prefix, is_linked = folders.pop()
        with os.scandir(folder_path) as entries:
            for entry in entries:
                name = prefix + entry.name
                if not entry.is_symlink():
                    if entry.is_dir():
                        folders.append((entry.path, f"{name}/", is_linked))
                    elif wanted(entry.name) and entry.is_file():
                        yield name, entry
                    continue
                target = os.path.realpath(entry.path)
                is_within = os.path.commonpath((target, root)) == root
                if is_within and os.path.isdir(target):
                    # Links to parent folders would be loops.
                    if not is_linked and os.path.commonpath((target, folder_path)) != target:
                        folders.append((target, f"{name}/", True))
                elif is_within and os.path.isfile(target):
                    if wanted(entry.name):
                        yield name, entry
                elif links_out is not None and (wanted(entry.name) or not os.path.isfile(target)):
                    links_out.append(name)
