"""Names of clips: taken from file names or from inside files, shown and compared, never used as a path."""

from __future__ import annotations

from heatsvc.pose.clip import PoseError

_EXTENSIONS = (".npy", ".npz", ".pose", ".json", ".zip")
_LONGEST = 255


def frame_dir_of(filename: str) -> str:
    """The clip's name in a file's name: no folders, no keypoint extension.

    A video's extension is part of the name: ``KETI_SL_0000000419.avi.npy`` is ``KETI_SL_0000000419.avi``.

    Raises:
        PoseError: as check_frame_dir.
    """
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    for extension in _EXTENSIONS:
        if name.lower().endswith(extension):
            name = name[: -len(extension)]
            break
    return check_frame_dir(name, field="filename", file=f"{filename!a:.100}")


def check_frame_dir(value: object, *, field: str, file: str | None = None) -> str:
    """A clip's name as it stands in a file.

    Raises:
        PoseError: not text, longer than 255 characters, with control characters in it (a zip archive's name ends at
            a NUL), or not writable as UTF-8 (half a surrogate pair).
    """
    if not isinstance(value, str):
        raise PoseError(f"{field} must be text, not {type(value).__name__}", field=field, file=file)
    if len(value) > _LONGEST:
        raise PoseError(f"{field} has {len(value)} characters: {_LONGEST} at most", field=field, file=file)
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise PoseError(f"{field} {value!a:.80} is no text that UTF-8 can hold", field=field, file=file)
    if not value.isprintable() and any(letter < " " or letter == "\x7f" for letter in value):
        raise PoseError(f"{field} {value!a:.80} has control characters in it", field=field, file=file)
    return value


def check_label(value: object, *, field: str, file: str | None = None) -> int | None:
    """A class index, None where there is none.

    Raises:
        PoseError: not a whole number of 64 bits.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        what = "a number too large" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__
        raise PoseError(f"{field} must be a whole number, the class index, not {what}", field=field, file=file)
    return value
