"""Common kinds of files that are not read as keypoints, and what to do with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_UNPACK = "which is not supported: unpack it and pack the files as a zip archive"
_ESTIMATE = (
    "which has no keypoints: run a pose estimator first (MMPose, MediaPipe Holistic, OpenPose), and send its files"
)
_LABELS = "which has no keypoints: if it has labels, send it as labels"
_ARRAY = "which is not supported: save the array [T, V, 3] of x, y and score as .npy (numpy.save)"

_PROJECT = (
    "which has 3D joints instead of pixels: project them with the camera, and save [T, V, 2] in pixels as .npy "
    "(numpy.save)"
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One kind of file.

    Attributes:
        title: what it is, and what to do instead: ``a 7z archive, ...``.
        extensions: extensions of its files.
        matches: whether a file is of this kind, by its first bytes.
        may_hold_keypoints: whether it may contain keypoints.
    """

    title: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool]
    may_hold_keypoints: bool = False


def _begins(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _is_video(head: bytes) -> bool:
    return (
        head.startswith((b"\x1a\x45\xdf\xa3", b"OggS", b"FLV\x01", b"\0\0\1\xba", b"\0\0\1\xb3", b"\x30\x26\xb2\x75"))
        or (head[:4] == b"RIFF" and head[8:11] == b"AVI")
        or head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide")
        # Packets of 188 bytes (ISO 13818-1), in .MTS files after 4 bytes of time each.
        or any(
            len(head) > first + length and head[first] == head[first + length] == 0x47
            for first, length in ((0, 188), (4, 192))
        )
    )


def _is_picture(head: bytes) -> bool:
    return (
        head.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
    )


def _is_motion_capture(head: bytes) -> bool:
    # C3D begins with the block of its parameters, nearly always the second, and 0x50.
    return head.startswith((b"HIERARCHY", b"PathFileType\t", b"Kaydara FBX", b"\x02\x50"))


def is_document(head: bytes) -> bool:
    """Whether a zip archive is a document, by its first bytes."""
    return _is_opendocument(head) or _is_workbook(head) or _is_old_office(head)


def _is_opendocument(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04" and head[30:73] == b"mimetypeapplication/vnd.oasis.opendocument."


def _is_workbook(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04" and head[30:49] == b"[Content_Types].xml"


def _is_old_office(head: bytes) -> bool:
    return head.startswith(b"\xd0\xcf\x11\xe0")


UNREADABLE: tuple[Unreadable, ...] = (
    Unreadable(f"a 7z archive, {_UNPACK}", (".7z",), _begins(b"7z\xbc\xaf\x27\x1c"), True),
    Unreadable(f"a RAR archive, {_UNPACK}", (".rar",), _begins(b"Rar!\x1a\x07"), True),
    Unreadable(f"an ALZip archive, {_UNPACK}", (".alz", ".egg"), _begins(b"ALZ\x01", b"EGGA"), True),
    Unreadable(
        f"a video, {_ESTIMATE}",
        (
            *(".avi", ".mov", ".mts", ".m2ts", ".mp4", ".m4v", ".mkv", ".webm"),
            *(".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts", ".ogv"),
        ),
        _is_video,
    ),
    Unreadable(
        f"a picture, {_ESTIMATE}",
        (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
        _is_picture,
    ),
    Unreadable(f"a MATLAB file, {_ARRAY}", (".mat",), _begins(b"MATLAB "), True),
    Unreadable(f"a motion capture file, {_PROJECT}", (".bvh", ".c3d", ".trc", ".fbx"), _is_motion_capture),
    Unreadable(
        "a pointer of Git LFS instead of the file: run `git lfs pull`, and send the file",
        (),
        _begins(b"version https://git-lfs.github.com/spec/"),
    ),
    Unreadable(
        "an OpenDocument file, which is not supported: save it as .xlsx or CSV, and send it as labels",
        (".ods", ".odt"),
        _is_opendocument,
    ),
    Unreadable(
        "a workbook in .xls format or with a password, which is not supported: save it as .xlsx, and send it as labels",
        (".xls",),
        _is_old_office,
    ),
    Unreadable(f"a workbook, {_LABELS}", (".xlsx", ".xlsm"), _is_workbook),
    Unreadable(f"a table, {_LABELS}", (".csv", ".tsv"), lambda head: False),
)
"""Kinds, recognized first by content, then by extension."""


def find_unreadable(head: bytes, name: str = "") -> Unreadable | None:
    """The kind of an unsupported file; None if unknown.

    Args:
        head: its first 512 bytes.
        name: its name; the extension is used if the content is not recognized.
    """
    for kind in UNREADABLE:
        if kind.matches(head):
            return kind
    return next((kind for kind in UNREADABLE if name.lower().endswith(kind.extensions)), None)
