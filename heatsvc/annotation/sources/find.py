"""Every keypoint file of a dataset: in folders, archives and annotation pickles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources import archives
from heatsvc.annotation.sources.archives import is_keypoints
from heatsvc.annotation.sources.stored_file import StoredFile, join_frames
from heatsvc.bounds import Bounds
from heatsvc.check_token import CheckToken
from heatsvc.pose.readers import ReadOptions, read


def files_in_folder(folder: Path, bounds: Bounds, check_cancelled: Callable[[], None]) -> Iterator[StoredFile]:
    """Files of keypoints, named by their way from the folder. Links are not followed out of it.

    Raises:
        LimitError: more than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    root = os.path.realpath(folder)
    waiting, count, size = [(root, "")], 0, 0
    while waiting:
        check_cancelled()
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
                yield StoredFile(name, entry.path)


def _is_within(entry: os.DirEntry[str], root: str) -> bool:
    if not entry.is_symlink():
        return entry.is_file()
    target = os.path.realpath(entry.path)
    return os.path.commonpath((target, root)) == root and os.path.isfile(target)


EXTENSIONS = (".pkl", ".pickle")


def files_in_pickle(
    source: StoredFile, folder: Path, options: ReadOptions, bounds: Bounds, check_cancelled: Callable[[], None]
) -> Iterator[StoredFile]:
    """Its clips, each written to `folder` as an `.npz`, and named by its `frame_dir`.

    Raises:
        PoseError, LimitError: as the reader of annotation pickles.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(read(source.read(bounds), filename=source.name, options=options)):
        check_cancelled()
        path = folder / f"{number:06d}.npz"
        arrays: dict[str, object] = {
            "keypoint": clip.keypoint,
            "keypoint_score": clip.keypoint_score,
            "img_shape": np.array(clip.img_shape),
        }
        if clip.layout is not None:
            arrays["layout"] = np.array(clip.layout.name)
        np.savez(path, **arrays)  # type: ignore[arg-type]  # arrays, and no keyword of savez among them
        yield StoredFile(clip.frame_dir or f"{source.name}/{number}", str(path), size=path.stat().st_size)


def find_files(
    inputs: Inputs, options: AnnotationOptions, work: Path, bounds: Bounds, check_cancelled: Callable[[], None]
) -> list[StoredFile]:
    """All keypoint files, sorted by name.

    Args:
        inputs: parts, archives, a folder.
        options: img_shape and layout, for annotation pickles.
        work: a folder for what has to be unpacked first; what lies there already is not unpacked again.
        bounds, check_cancelled: as in `build`.

    Raises:
        AnnotationError: there is none.
        PoseError, LimitError: an archive that cannot be read, or is too large.
    """
    found: list[StoredFile] = []
    if inputs.folder is not None:
        found += join_frames(list(files_in_folder(inputs.folder, bounds, check_cancelled)), inputs.folder.name)
    singles = []
    for number, source in enumerate(inputs.keypoints):
        check_cancelled()
        archive = _files_in_archive(source, work / f"unpacked-{number}.tar", bounds, check_cancelled)
        if archive is None:
            singles.append(StoredFile(source.name, str(source.path)))
        else:
            found += join_frames(archive, source.name)
        bounds.check("max_dataset_files", len(found), "keypoint files")
    found += join_frames(singles, "keypoints")
    bounds.check("max_dataset_files", len(found), "keypoint files")
    reading = ReadOptions(
        img_shape=options.img_shape, layout=options.layout, bounds=bounds, token=CheckToken(check_cancelled)
    )
    files: list[StoredFile] = []
    unpickled = 0
    for number, file in enumerate(sorted(found, key=lambda file: file.name)):
        if file.name.lower().endswith(EXTENSIONS):
            for clip in files_in_pickle(file, work / f"pickle-{number}", reading, bounds, check_cancelled):
                files.append(clip)
                # The clips of a pickle may all share one array: a small one may fill a disk.
                unpickled += clip.size or 0
                bounds.check("max_dataset_bytes", unpickled, "bytes of clips in pickles", file=file.name)
                bounds.check("max_dataset_files", len(files), "keypoint files", file=file.name)
        else:
            files.append(file)
    if not files:
        raise AnnotationError(
            "there is no file of keypoints: send .npy, .npz, .pose or .json files, or archives of such",
            field="keypoints",
        )
    return sorted(files, key=lambda file: file.name)


def _files_in_archive(
    source: InputFile, unpacked: Path, bounds: Bounds, check_cancelled: Callable[[], None]
) -> list[StoredFile] | None:
    """The files in an archive, told by its content; None where it is none."""
    with source.path.open("rb") as file:
        head = file.read(512)
    if head[:4] in archives.MAGIC:
        return list(archives.files_in_zip(source, bounds))
    if head.startswith((archives.GZIP_MAGIC, archives.ZSTD_MAGIC)):
        plain = archives.unpack_tar(source, unpacked, bounds, check_cancelled)
        return list(archives.files_in_tar(source, plain, bounds, check_cancelled))
    if head[archives.TAR_MAGIC_AT :].startswith(archives.TAR_MAGIC):
        return list(archives.files_in_tar(source, source.path, bounds, check_cancelled))
    return None
