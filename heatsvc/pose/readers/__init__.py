"""Readers: files of keypoints as clips. To add a format is to add a file and an entry of `READERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heatsvc.pose.archives.formats import COMPRESSED_EXTENSIONS, HEAD
from heatsvc.pose.archives.unreadable import find_unreadable
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.annotation import AnnotationHeader, is_annotation, read_annotation, read_headers
from heatsvc.pose.readers.archive import NamedBytes, is_archive, read_archive, read_files
from heatsvc.pose.readers.coco import is_coco, read_coco
from heatsvc.pose.readers.json_clip import clip_from_json, is_json_clip, read_json_clip
from heatsvc.pose.readers.json_numbers import NumberArrays, parse_number_arrays
from heatsvc.pose.readers.lists import broken_json, may_hold_booleans
from heatsvc.pose.readers.mmpose import is_mmpose, read_mmpose
from heatsvc.pose.readers.npy import is_npy, read_npy
from heatsvc.pose.readers.npz import is_npz, read_npz
from heatsvc.pose.readers.openpose import is_openpose, read_openpose
from heatsvc.pose.readers.pose_file import is_pose_file, read_pose_file
from heatsvc.pose.readers.upload import DEFAULT_OPTIONS, ReadOptions, Upload


@dataclass(frozen=True, slots=True)
class Reader:
    """One format of keypoint files.

    Attributes:
        name: short, ``mmpose``.
        title: one line about it.
        extensions: of its files, for documentation; the content decides.
        matches: whether an upload's content is of this format.
        read: its clips; raises InputError only.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    matches: Callable[[Upload], bool]
    read: Callable[[Upload], list[PoseClip]]


READERS: tuple[Reader, ...] = (
    Reader(
        "npy",
        "NumPy array [T, V, 2|3] or [M, T, V, 2|3]: x, y and, third, the score; or [T, 1662] of MediaPipe Holistic",
        (".npy",),
        is_npy,
        lambda upload: [read_npy(upload.data, filename=upload.filename, options=upload.options)],
    ),
    Reader(
        "npz",
        "NumPy archive of keypoint (or one array of any name) and, as far as there are, keypoint_score, img_shape, "
        "layout, frame_dir, label",
        (".npz",),
        is_npz,
        read_npz,
    ),
    Reader("pose", "pose-format file, such as MediaPipe Holistic's points", (".pose",), is_pose_file, read_pose_file),
    Reader(
        "archive",
        "archive of files of any of these formats, one level of archives in it; or one compressed file",
        (".zip", ".tar", *COMPRESSED_EXTENSIONS),
        is_archive,
        read_archive,
    ),
    Reader(
        "openpose",
        "OpenPose's JSON of a frame; the frame files of a clip, in an archive or several files, are one clip",
        (".json",),
        is_openpose,
        read_openpose,
    ),
    Reader("mmpose", "MMPose's predictions for a video or an image", (".json",), is_mmpose, read_mmpose),
    Reader("coco", "COCO or COCO-WholeBody keypoint annotations, the images in a row", (".json",), is_coco, read_coco),
    Reader(
        "json",
        "a clip as in a request: keypoint, keypoint_score, img_shape, layout, frame_dir, label",
        (".json",),
        is_json_clip,
        read_json_clip,
    ),
    Reader(
        "annotation",
        "annotation pickle of PYSKL and MMAction2, many clips",
        (".pkl", ".pickle"),
        is_annotation,
        read_annotation,
    ),
)


def read(data: bytes, *, filename: str = "", options: ReadOptions = DEFAULT_OPTIONS) -> list[PoseClip]:
    """The clips of a file of any format in `READERS`, detected by its content.

    Args:
        data: the file.
        filename: for the clip's name and for messages; never opened.
        options: for what the file may lack.

    Raises:
        InputError: PoseError, LayoutError or LimitError, with field, file and frame. Nothing else is raised, whatever
            the bytes, but what `options.token` raises.
    """
    return read_upload(Upload(data, filename, options))


def read_upload(upload: Upload) -> list[PoseClip]:
    """The clips of a file as `read` has them."""
    for reader in READERS:
        if reader.matches(upload):
            return reader.read(upload)
    name = f"{upload.filename!a:.100}" if upload.filename else "the file"
    if not upload.data:
        raise PoseError(f"{name} is empty: {_known()}", file=upload.file)
    if kind := find_unreadable(upload.data[:HEAD], upload.filename):
        raise PoseError(f"{name} is {kind.title}", file=upload.file)
    raise PoseError(f"{name} is of no known format: {_known()}", file=upload.file)


def _known() -> str:
    readers = ", ".join(f"{reader.name} ({', '.join(reader.extensions)})" for reader in READERS)
    return f"known are {readers}, detected by their content"


__all__ = [
    "READERS",
    "AnnotationHeader",
    "NamedBytes",
    "NumberArrays",
    "ReadOptions",
    "Reader",
    "Upload",
    "broken_json",
    "clip_from_json",
    "is_annotation",
    "may_hold_booleans",
    "parse_number_arrays",
    "read",
    "read_files",
    "read_headers",
    "read_npy",
]
