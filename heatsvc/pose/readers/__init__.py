"""Readers: read keypoint files as clips. To add a format, add a file and an entry of `READERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heatsvc.errors import InputError
from heatsvc.pose.archives.formats import COMPRESSED_EXTENSIONS, HEAD
from heatsvc.pose.archives.unreadable import find_unreadable
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.annotation import AnnotationHeader, is_annotation, read_annotation, read_headers
from heatsvc.pose.readers.archive import NamedBytes, is_archive, read_archive, read_files
from heatsvc.pose.readers.coco import is_coco, read_coco
from heatsvc.pose.readers.deeplabcut import is_deeplabcut, read_deeplabcut
from heatsvc.pose.readers.hdf5 import is_hdf5, read_hdf5
from heatsvc.pose.readers.json_clip import clip_from_json, is_json_clip, read_json_clip
from heatsvc.pose.readers.json_numbers import NumberArrays, parse_number_arrays
from heatsvc.pose.readers.kinetics import is_kinetics, read_kinetics
from heatsvc.pose.readers.lists import broken_json, may_hold_booleans
from heatsvc.pose.readers.long_table import is_long_table, read_long_table
from heatsvc.pose.readers.mediapipe import is_mediapipe, is_mediapipe_frame, read_mediapipe
from heatsvc.pose.readers.mmpose import is_mmpose, is_mmpose_frame, read_mmpose
from heatsvc.pose.readers.npy import is_npy, read_npy
from heatsvc.pose.readers.npz import is_npz, read_npz
from heatsvc.pose.readers.ntu import is_ntu, read_ntu
from heatsvc.pose.readers.openpose import is_openpose, read_openpose
from heatsvc.pose.readers.parquet import is_parquet, read_parquet
from heatsvc.pose.readers.pose_file import is_pose_file, read_pose_file
from heatsvc.pose.readers.results import is_results, read_results
from heatsvc.pose.readers.table import is_table, read_table
from heatsvc.pose.readers.upload import DEFAULT_OPTIONS, ReadOptions, Upload
from heatsvc.pose.readers.yolo_json import is_yolo_json, is_yolo_json_frame, read_yolo_json
from heatsvc.pose.readers.yolo_labels import is_yolo_labels, read_yolo_labels

_MAX_NAMED = 6
_AS_CLIP = (
    "known are OpenPose's frames (people), MMPose's predictions (instances), COCO's annotations (images, annotations) "
    "and results (image_id, keypoints), Kinetics-skeleton (data), YOLO's results (box, keypoints), MediaPipe's "
    'landmarks (pose_landmarks) and clips; write a clip, {"keypoint": [[[x, y, score], ...], ...], "img_shape": '
    "[height, width]}, with keypoint [T, V, 3] in pixels"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """One format of keypoint files.

    Attributes:
        name: its short name, ``mmpose``.
        title: its description in one line.
        extensions: extensions of its files, for documentation; the content decides.
        matches: whether an upload's content has this format.
        read: reads its clips; raises only InputError.
        is_frame: whether an upload that matches is one frame of a clip. Such files in one folder, with numbers in
            their names, are read together as the `frames` of an upload. None if files never are frames.
        fills_gaps: whether a missing number between frame files is a frame without persons, for which the tool writes
            no file.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    matches: Callable[[Upload], bool]
    read: Callable[[Upload], list[PoseClip]]
    is_frame: Callable[[Upload], bool] | None = None
    fills_gaps: bool = False


READERS: tuple[Reader, ...] = (
    Reader(
        "npy",
        "NumPy array [T, V, 2|3] or [M, T, V, 2|3] of x, y and optionally score; or [T, 1662] of MediaPipe Holistic",
        (".npy",),
        is_npy,
        lambda upload: [read_npy(upload.data, filename=upload.filename, options=upload.options)],
    ),
    Reader(
        "npz",
        "NumPy archive of keypoint (or one array of any name), and optionally keypoint_score, img_shape, layout, "
        "frame_dir, label, total_frames",
        (".npz",),
        is_npz,
        read_npz,
    ),
    Reader(
        "ntu",
        "skeletons of NTU RGB+D: the joints of Kinect v2 in the color image of 1920 x 1080",
        (".skeleton",),
        is_ntu,
        read_ntu,
    ),
    Reader(
        "pose",
        "file of pose-format, versions 0.0 to 0.2, such as points of MediaPipe Holistic",
        (".pose",),
        is_pose_file,
        read_pose_file,
    ),
    Reader(
        "archive",
        "archive of files of these formats, or of archives of them; or one compressed file",
        (".zip", ".tar", *COMPRESSED_EXTENSIONS),
        is_archive,
        read_archive,
    ),
    Reader(
        "openpose",
        "OpenPose's JSON of a frame; the frame files of a clip are joined",
        (".json",),
        is_openpose,
        read_openpose,
        is_frame=is_openpose,
    ),
    Reader(
        "mmpose",
        "MMPose's predictions for a video or an image; the files of a clip's images are joined",
        (".json",),
        is_mmpose,
        read_mmpose,
        is_frame=is_mmpose_frame,
    ),
    Reader("coco", "COCO or COCO-WholeBody keypoint annotations, one frame per image", (".json",), is_coco, read_coco),
    Reader(
        "results",
        "results list of COCO's evaluation and of AlphaPose, also in its formats cmu and open: the persons of each "
        "image, in the order of the images' numbers",
        (".json",),
        is_results,
        read_results,
    ),
    Reader(
        "kinetics",
        "Kinetics-skeleton's JSON of a video, as in ST-GCN: 18 points of OpenPose, normalized",
        (".json",),
        is_kinetics,
        read_kinetics,
    ),
    Reader(
        "json",
        "a clip as in a request: keypoint, keypoint_score, img_shape, layout, frame_dir ...",
        (".json",),
        is_json_clip,
        read_json_clip,
    ),
    Reader(
        "yolo_json",
        "results of Ultralytics' pose models by to_json, for an image or a video; the files of a clip's images are "
        "joined",
        (".json",),
        is_yolo_json,
        read_yolo_json,
        is_frame=is_yolo_json_frame,
    ),
    Reader(
        "mediapipe",
        "MediaPipe's landmarks in JSON, for a frame or a video: pose, face, left and right hand, normalized",
        (".json",),
        is_mediapipe,
        read_mediapipe,
        is_frame=is_mediapipe_frame,
    ),
    Reader(
        "deeplabcut",
        "DeepLabCut's table of one or several individuals: x, y and likelihood of each body part",
        (".csv",),
        is_deeplabcut,
        read_deeplabcut,
    ),
    Reader(
        "hdf5",
        "DeepLabCut's table, or SLEAP's analysis file (the extra `hdf5`)",
        (".h5", ".hdf5"),
        is_hdf5,
        read_hdf5,
    ),
    Reader(
        "parquet",
        "MediaPipe Holistic's landmarks, one per row, as in Google's ISLR (the extra `parquet`)",
        (".parquet",),
        is_parquet,
        read_parquet,
    ),
    Reader(
        "annotation",
        "annotation pickle of PYSKL and MMAction2, many clips",
        (".pkl", ".pickle"),
        is_annotation,
        read_annotation,
    ),
    Reader(
        "yolo_labels",
        "labels of YOLO's pose models, a text file of persons for each image, normalized; those of a clip are joined",
        (".txt",),
        is_yolo_labels,
        read_yolo_labels,
        is_frame=lambda upload: True,
        fills_gaps=True,
    ),
    Reader(
        "table",
        "table of points in CSV, one row per frame, such as MediaPipe's with columns x0, y0 or NOSE_x, NOSE_y",
        (".csv", ".tsv", ".txt"),
        is_table,
        read_table,
    ),
    Reader(
        "long_table",
        "table of points in CSV, one row per point: frame, landmark_index, x, y and optionally type, visibility, "
        "person, video",
        (".csv", ".tsv", ".txt"),
        is_long_table,
        read_long_table,
    ),
)


def read(data: bytes, *, filename: str = "", options: ReadOptions = DEFAULT_OPTIONS) -> list[PoseClip]:
    """Read the clips of a file of any format in `READERS`, detected by its content.

    Args:
        data: the content of the file.
        filename: its name, for the clip's name and for messages; never opened.
        options: the properties that the file may not specify.

    Raises:
        InputError: PoseError, LayoutError or LimitError, with field, file and frame. For any bytes, no other error is
            raised, except by `options.token`.
    """
    return read_upload(Upload(data, filename, options))


def read_upload(upload: Upload) -> list[PoseClip]:
    """Read the clips of an upload; see `read`."""
    reader = find_reader(upload)
    if reader is not None:
        return reader.read(upload)
    name = f"{upload.filename!r:.100}" if upload.filename else "the file"
    if not upload.data:
        raise PoseError(f"{name} is empty: {_known()}", file=upload.file)
    if kind := find_unreadable(upload.data[:HEAD], upload.filename):
        raise PoseError(f"{name} is {kind.title}", file=upload.file)
    if upload.is_json:
        raise PoseError(f"{name} is JSON of an unknown format, {_beginning(upload.json)}: {_AS_CLIP}", file=upload.file)
    raise PoseError(f"{name} has an unknown format: {_known()}", file=upload.file)


def find_reader(upload: Upload) -> Reader | None:
    """The first reader whose format the content has; None if there is none.

    Raises:
        InputError: the content is damaged or too large.
    """
    return next((reader for reader in READERS if reader.matches(upload)), None)


def frame_reader(upload: Upload) -> Reader | None:
    """The reader of a file that is one frame of a clip; None for other and damaged files."""
    try:
        reader = find_reader(upload)
        return reader if reader is not None and reader.is_frame is not None and reader.is_frame(upload) else None
    except InputError:
        return None


def _beginning(content: object) -> str:
    """The beginning of a JSON document, for a message: its first keys, or those of the first object in a list."""
    first = content[0] if isinstance(content, list) and content else content
    where = "a list" if isinstance(content, list) else "an object"
    if not isinstance(first, dict):
        return f"{where} of numbers, texts or lists" if isinstance(content, list) else "an empty object"
    keys = ", ".join(f"{key!r:.40}" for key in list(first)[:_MAX_NAMED])
    return f"{where} of objects with {keys}" if isinstance(content, list) else f"{where} with {keys or 'no keys'}"


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
    "find_reader",
    "frame_reader",
    "is_annotation",
    "may_hold_booleans",
    "parse_number_arrays",
    "read",
    "read_files",
    "read_headers",
    "read_npy",
]
