"""The formats that can be read. To add one is to add a file and an entry here."""

from __future__ import annotations

from heatsvc.pose.clip import PoseClip, PoseError
from heatsvc.pose.readers.annotation import is_annotation, read_annotation
from heatsvc.pose.readers.coco import is_coco, read_coco
from heatsvc.pose.readers.json_clip import is_json_clip, read_json_clip
from heatsvc.pose.readers.mmpose import is_mmpose, read_mmpose
from heatsvc.pose.readers.npy import MAGIC, read_npy
from heatsvc.pose.readers.npz import is_npz, read_npz
from heatsvc.pose.readers.openpose import is_openpose, read_openpose
from heatsvc.pose.readers.options import NO_OPTIONS, ReadOptions
from heatsvc.pose.readers.pose_file import is_pose_file, read_pose_file
from heatsvc.pose.readers.reader import Reader
from heatsvc.pose.readers.upload import Upload

_JSON = ("application/json",)

READERS: tuple[Reader, ...] = (
    Reader(
        "npy",
        "NumPy array [T, V, 2|3] or [M, T, V, 2|3]: x, y and, third, the score",
        (".npy",),
        ("application/x-npy",),
        lambda upload: upload.data.startswith(MAGIC),
        lambda upload: [read_npy(upload.data, filename=upload.filename, options=upload.options)],
    ),
    Reader(
        "npz",
        "NumPy archive of keypoint and, as far as there are, keypoint_score, img_shape, layout, frame_dir, label",
        (".npz",),
        ("application/x-npz",),
        is_npz,
        read_npz,
    ),
    Reader(
        "pose",
        "pose-format file, such as MediaPipe Holistic's points",
        (".pose",),
        ("application/x-pose", "application/pose"),
        is_pose_file,
        read_pose_file,
    ),
    Reader(
        "openpose",
        "OpenPose's JSON of a frame, or a zip archive of a clip's frame files",
        (".json", ".zip"),
        (*_JSON, "application/zip"),
        is_openpose,
        read_openpose,
    ),
    Reader("mmpose", "MMPose's predictions for a video or an image", (".json",), _JSON, is_mmpose, read_mmpose),
    Reader(
        "coco",
        "COCO or COCO-WholeBody keypoint annotations, the images in a row",
        (".json",),
        _JSON,
        is_coco,
        read_coco,
    ),
    Reader(
        "json",
        "a clip as in a request: keypoint, keypoint_score, img_shape, layout, frame_dir, label",
        (".json",),
        _JSON,
        is_json_clip,
        read_json_clip,
    ),
    Reader(
        "annotation",
        "annotation pickle of PYSKL and MMAction2, many clips",
        (".pkl", ".pickle"),
        ("application/x-pickle", "application/octet-stream"),
        is_annotation,
        read_annotation,
    ),
)


def read(data: bytes, *, filename: str = "", options: ReadOptions = NO_OPTIONS) -> list[PoseClip]:
    """The clips of a file of any format in `READERS`, found by its content.

    Args:
        data: the file.
        filename: as sent: gives the clip its name and stands in messages; never opened.
        options: what the file may not carry itself.

    Raises:
        InputError: PoseError, LayoutError or LimitError, telling file, field and frame; nothing else is raised,
            whatever the bytes.
    """
    upload = Upload(data, filename, options)
    for reader in READERS:
        if reader.recognise(upload):
            return reader.read(upload)
    raise _unknown(upload)


def _unknown(upload: Upload) -> PoseError:
    called = f"{upload.filename!a:.100}" if upload.filename else "the file"
    known = ", ".join(f"{reader.name} ({', '.join(reader.extensions)})" for reader in READERS)
    what = "is empty" if not upload.data else "holds nothing that is known here"
    return PoseError(f"{called} {what}; known are {known}, told by their content", file=upload.file)
