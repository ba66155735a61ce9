"""Folders of keypoint files: each is read as it would be alone, and the frame files of a clip are one clip."""

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
    """What is in a folder.

    Attributes:
        clips: of all its keypoint files, which come in the order of their names.
        left_out: sentences about files that may hold keypoints and were not read.
    """

    clips: list[PoseClip]
    left_out: list[str]


def read_folder(folder: Path, options: ReadOptions) -> FolderClips:
    """The clips of a folder, and of the folders and archives in it.

    Other files, such as tables and videos, are left out. Links are followed within the folder; a file that links lead
    to is read once, and has the first link's name.

    Raises:
        OSError: a file or folder cannot be opened.
        PoseError: no keypoint file, or one that cannot be read.
        LimitError: more files, bytes or clips than the bounds allow.
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
        raise PoseError(
            f"there is no file of keypoints ({known}) in the folder; {there}".rstrip("; "), file=folder.name
        )
    links = sorted(paths, key=lambda name: (not os.path.islink(paths[name]), name))
    once = {os.path.realpath(paths[name]): name for name in reversed(links)}
    files = [NamedBytes(name, Path(paths[name]).read_bytes()) for name in sorted(once.values())]
    return FolderClips(read_files(files, options, folder.name, leave_out_texts=True), left_out)


def is_keypoint_file(name: str) -> bool:
    """Whether a file is read, by its name; others beside them (a README, the videos) are ignored."""
    return without_compression(name.lower()).endswith((*EXTENSIONS, *PICKLES)) and not is_hidden(name)


def files_in_folder(
    folder: Path,
    wanted: Callable[[str], bool],
    token: CancelToken = NEVER_CANCELLED,
    links_out: list[str] | None = None,
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files in a folder and below it, in any order, with their relative paths.

    Links within the folder are followed; a linked folder that contains links to folders, without these, so that there
    is an end. Links out of it are not followed.

    Args:
        folder: the folder.
        wanted: chooses files by name.
        token: checked between steps; cancels the work.
        links_out: gets the paths of links that lead out of the folder or to nothing, of wanted files and folders.
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
                    # Not one of its own parents, which would go round.
                    if not is_linked and os.path.commonpath((target, folder_path)) != target:
                        folders.append((target, f"{name}/", True))
                elif is_within and os.path.isfile(target):
                    if wanted(entry.name):
                        yield name, entry
                elif links_out is not None and (wanted(entry.name) or not os.path.isfile(target)):
                    links_out.append(name)
