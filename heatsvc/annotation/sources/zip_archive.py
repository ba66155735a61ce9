"""A zip archive of keypoint files, and an `.npz` of many clips, which is one."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, cast

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.sources.frugal import Frugal
from heatsvc.annotation.sources.keypoint_file import KeypointFile
from heatsvc.annotation.sources.member_names import check_member, is_keypoints
from heatsvc.bounds import Bounds
from heatsvc.errors import InputError
from heatsvc.pose.clip import PoseError

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY_ENTRY = 256


def files_in_zip(source: InputFile, bounds: Bounds) -> Iterator[KeypointFile]:
    """Its members of keypoints. An `.npz` that is one clip (it has a `keypoint.npy`) is that one file.

    Raises:
        PoseError: no readable archive, an encrypted or otherwise packed member, or a name that leads out of it.
        LimitError: more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    infos = _infos(source, bounds)
    if any(info.filename == "keypoint.npy" for info in infos):
        yield KeypointFile(source.name, str(source.path))
        return
    for name, info in _wanted(source, infos, is_keypoints, bounds):
        yield KeypointFile(
            name,
            str(source.path),
            info.header_offset,
            info.compress_size,
            member=True,
            deflated=info.compress_type == zipfile.ZIP_DEFLATED,
            unpacked=info.file_size,
        )


def members(source: InputFile, wanted: Callable[[str], bool], bounds: Bounds) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Its files that are wanted, by their names, each stored or deflated.

    Raises:
        PoseError, LimitError: as files_in_zip.
    """
    return _wanted(source, _infos(source, bounds), wanted, bounds)


def _wanted(
    source: InputFile, infos: Sequence[zipfile.ZipInfo], wanted: Callable[[str], bool], bounds: Bounds
) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    bounds.check("max_dataset_files", len(infos), "files in an archive", file=source.name)
    size = 0
    for info in infos:
        if info.is_dir() or not wanted(info.filename):
            continue
        name = check_member(info.filename, source.name)
        if info.flag_bits & 1:
            raise PoseError(f"the archive's {name!a:.80} is encrypted: send it open", file=source.name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PoseError(f"the archive's {name!a:.80} is not stored or deflated: pack it so", file=source.name)
        size += info.file_size
        bounds.check("max_dataset_bytes", size, "bytes in an archive", file=source.name)
        yield name, info


def _infos(source: InputFile, bounds: Bounds) -> list[zipfile.ZipInfo]:
    try:
        with source.path.open("rb") as file:
            frugal = Frugal(file, bounds.max_dataset_files * _DIRECTORY_ENTRY, source.name)
            with zipfile.ZipFile(cast(IO[bytes], frugal)) as archive:
                return archive.infolist()
    except InputError:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, LookupError, OverflowError, NotImplementedError) as error:
        text = str(error) or type(error).__name__
        raise PoseError(f"the zip archive is damaged: {text:.100}", file=source.name) from None
