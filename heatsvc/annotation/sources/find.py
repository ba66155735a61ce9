"""find_files: every keypoint file of a dataset, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources import pickles, tar_archive, zip_archive
from heatsvc.annotation.sources.folder import files_in_folder
from heatsvc.annotation.sources.keypoint_file import KeypointFile
from heatsvc.annotation.sources.openpose_frames import join_frames
from heatsvc.bounds import Bounds
from heatsvc.check_token import CheckToken
from heatsvc.pose.readers import ReadOptions


def find_files(
    inputs: Inputs, options: AnnotationOptions, work: Path, bounds: Bounds, keep_going: Callable[[], None]
) -> list[KeypointFile]:
    """All keypoint files, sorted by name.

    Args:
        inputs: parts, archives, a folder.
        options: img_shape and layout, for annotation pickles.
        work: a folder for what has to be unpacked first; what lies there already is not unpacked again.
        bounds, keep_going: as in `build`.

    Raises:
        AnnotationError: there is none.
        PoseError, LimitError: an archive that cannot be read, or is too large.
    """
    found: list[KeypointFile] = []
    if inputs.folder is not None:
        found += join_frames(list(files_in_folder(inputs.folder, bounds, keep_going)), inputs.folder.name)
    singles = []
    for number, source in enumerate(inputs.keypoints):
        keep_going()
        archive = _files_in_archive(source, work / f"unpacked-{number}.tar", bounds, keep_going)
        if archive is None:
            singles.append(KeypointFile(source.name, str(source.path)))
        else:
            found += join_frames(archive, source.name)
        bounds.check("max_dataset_files", len(found), "keypoint files")
    found += join_frames(singles, "keypoints")
    bounds.check("max_dataset_files", len(found), "keypoint files")
    reading = ReadOptions(
        img_shape=options.img_shape, layout=options.layout, bounds=bounds, token=CheckToken(keep_going)
    )
    files: list[KeypointFile] = []
    unpickled = 0
    for number, file in enumerate(sorted(found, key=lambda file: file.name)):
        if file.name.lower().endswith(pickles.EXTENSIONS):
            for clip in pickles.files_in_pickle(file, work / f"pickle-{number}", reading, bounds, keep_going):
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
    source: InputFile, unpacked: Path, bounds: Bounds, keep_going: Callable[[], None]
) -> list[KeypointFile] | None:
    """The files in an archive, told by its content; None where it is none."""
    with source.path.open("rb") as file:
        head = file.read(512)
    if head[:4] in zip_archive.MAGIC:
        return list(zip_archive.files_in_zip(source, bounds))
    if head.startswith((tar_archive.GZIP_MAGIC, tar_archive.ZSTD_MAGIC)):
        plain = tar_archive.unpack_tar(source, unpacked, bounds, keep_going)
        return list(tar_archive.files_in_tar(source, plain, bounds, keep_going))
    if head[tar_archive.TAR_MAGIC_AT :].startswith(tar_archive.TAR_MAGIC):
        return list(tar_archive.files_in_tar(source, source.path, bounds, keep_going))
    return None
