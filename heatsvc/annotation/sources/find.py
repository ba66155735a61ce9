"""Every keypoint file of a dataset: in folders, archives and annotation pickles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources.archives import archive_members
from heatsvc.annotation.sources.stored_file import StoredFile, join_frames
from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.plausibility import ImplausibleError, Interpretation, PlausibilityMode
from heatsvc.pose.readers import ReadOptions, read
from heatsvc.pose.readers.archive import is_hidden
from heatsvc.pose.readers.upload import EXTENSIONS as KEYPOINT_EXTENSIONS

_PICKLES = (".pkl", ".pickle")


def find_files(
    inputs: Inputs, options: AnnotationOptions, work: Path, bounds: Bounds, token: CancelToken
) -> list[StoredFile]:
    """All keypoint files, sorted by name.

    Args:
        inputs: files, archives, a folder.
        options: img_shape and layout, for annotation pickles.
        work: a folder for unpacked archives; what it contains already is not unpacked again.
        bounds: how many files, and how large.
        token: checked between steps; cancels the work.

    Raises:
        AnnotationError: there is no keypoint file.
        PoseError, LimitError: an archive that cannot be read, or is too large.
    """
    found: list[StoredFile] = []
    if inputs.folder is not None:
        found += join_frames(list(_keypoint_files_in(inputs.folder, bounds, token)), inputs.folder.name)
    singles = []
    for number, source in enumerate(inputs.keypoints):
        token.raise_if_cancelled()
        members = archive_members(source, work / f"unpacked-{number}.tar", is_keypoint_file, bounds, token)
        if members is None:
            singles.append(StoredFile(source.name, str(source.path)))
        else:
            found += join_frames(members, source.name)
        bounds.check("max_dataset_files", len(found), "keypoint files")
    found += join_frames(singles, "keypoints")
    bounds.check("max_dataset_files", len(found), "keypoint files")
    # Numbers are judged, and normalised ones scaled, when the clip of the pickle is read from its own file.
    interpretation = Interpretation(project=options.project, plausibility="warn")
    read_options = ReadOptions(options.img_shape, options.layout, None, interpretation, bounds, token)
    files: list[StoredFile] = []
    unpickled = 0
    for number, file in enumerate(sorted(found, key=lambda file: file.name)):
        if not file.name.lower().endswith(_PICKLES):
            files.append(file)
            continue
        for clip in _clips_in_pickle(file, work / f"pickle-{number}", read_options, options.plausibility):
            files.append(clip)
            # The clips of a pickle may all share one array: a small pickle may fill a disk.
            unpickled += clip.size or 0
            bounds.check("max_dataset_bytes", unpickled, "bytes of clips in pickles", file=file.name)
            bounds.check("max_dataset_files", len(files), "keypoint files", file=file.name)
    if not files:
        raise AnnotationError(
            "there is no file of keypoints: send .npy, .npz, .pose or .json files, or archives of such",
            field="keypoints",
        )
    return sorted(files, key=lambda file: file.name)


def is_keypoint_file(name: str) -> bool:
    """Whether a file is read, by its name; others beside them (a README, the videos) are ignored."""
    return name.lower().endswith((*KEYPOINT_EXTENSIONS, *_PICKLES)) and not is_hidden(name)


def files_in_folder(
    folder: Path, wanted: Callable[[str], bool], token: CancelToken = NEVER_CANCELLED
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files in a folder and below it, in any order, with their relative paths. Links out of it are not followed.

    Args:
        folder: the folder.
        wanted: chooses files by name.
        token: checked between steps; cancels the work.
    """
    root = os.path.realpath(folder)
    folders = [(root, "")]
    while folders:
        token.raise_if_cancelled()
        folder_path, prefix = folders.pop()
        with os.scandir(folder_path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, f"{prefix}{entry.name}/"))
                elif wanted(entry.name) and _is_within(entry, root):
                    yield prefix + entry.name, entry


def _keypoint_files_in(folder: Path, bounds: Bounds, token: CancelToken) -> Iterator[StoredFile]:
    size = 0
    for count, (name, entry) in enumerate(files_in_folder(folder, is_keypoint_file, token), 1):
        size += entry.stat().st_size
        bounds.check("max_dataset_files", count, "files in a folder", file=name)
        bounds.check("max_dataset_bytes", size, "bytes in a folder", file=name)
        yield StoredFile(name, entry.path)


def _is_within(entry: os.DirEntry[str], root: str) -> bool:
    if not entry.is_symlink():
        return entry.is_file()
    target = os.path.realpath(entry.path)
    return os.path.commonpath((target, root)) == root and os.path.isfile(target)


def _clips_in_pickle(
    source: StoredFile, folder: Path, options: ReadOptions, plausibility: PlausibilityMode
) -> Iterator[StoredFile]:
    """The clips of an annotation pickle, each written to `folder` as an `.npz`, and named by its `frame_dir`.

    Raises:
        ImplausibleError: what only the pickle shows cannot be meant, such as a wrong total_frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(read(source.read(options.bounds), filename=source.name, options=options)):
        options.token.raise_if_cancelled()
        path = folder / f"{number:06d}.npz"
        shown = [finding for finding in clip.findings if finding.code != "axes"]
        if shown and plausibility == "error":
            raise ImplausibleError(shown[0], field="annotations", file=source.name, name=clip.frame_dir)
        arrays: dict[str, object] = {"img_shape": np.array(clip.img_shape)}
        if clip.third_number_is_score:
            arrays["keypoint"] = np.concatenate([clip.keypoint, clip.keypoint_score[..., None]], axis=-1)
        else:
            # The depth that `project` drops has been dropped: another takes its place.
            width = 3 if options.interpretation.project else 2
            arrays["keypoint"] = np.pad(clip.keypoint, [(0, 0)] * 3 + [(0, width - 2)])
            arrays["keypoint_score"] = clip.keypoint_score
        if clip.layout is not None:
            arrays["layout"] = np.array(clip.layout.name)
        np.savez(path, **arrays)  # type: ignore[arg-type]  # arrays, and no keyword of savez among them
        yield StoredFile(clip.frame_dir or f"{source.name}/{number}", str(path), size=path.stat().st_size)
