"""UsageError and CommandError, and the messages of the library's errors for a command line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from heatsvc.errors import InputError

_IMG_SHAPE = re.compile(
    r"(the option img_shape,|the video frame's) \[height, width\] in pixels, such as \[1080, 1920\]"
)
_IMG_SHAPE_OPTION = "the video frame's height and width in pixels, such as --img-shape 1080 1920"
_MEDIA = {
    "application/x-npy": ".npy",
    "application/x-npz": ".npz",
    "application/vnd.safetensors": ".safetensors",
}


class UsageError(Exception):
    """The arguments are wrong: exit status 2."""


class CommandError(Exception):
    """The command failed: exit status 1."""


def option_name(field: str) -> str:
    """The command-line option of a field: ``--img-shape`` for ``img_shape``."""
    return f"--{field.replace('_', '-')}"


def describe_advice(text: str, flags: Mapping[str, str]) -> str:
    """Advice with command-line options: ``--faulty drop`` for ``faulty=drop``."""
    return re.sub(r"\b(\w+)=(\w+)", lambda found: f"{flags.get(found[1], option_name(found[1]))} {found[2]}", text)


def describe_error(error: InputError, flags: Mapping[str, str], source: str = "") -> str:
    """The message of an error, with the file that it is about, and with command-line options for fields of requests.

    Args:
        error: from any package.
        flags: the command-line option of each field, ``{"img_shape": "--img-shape"}``.
        source: the path of the file, as it was given.
    """
    detail = error.detail
    name = (error.field or "").removeprefix("options.").removeprefix("picture.")
    if name in flags and detail.startswith(name):
        detail = flags[name] + detail.removeprefix(name)
    detail = _IMG_SHAPE.sub(_IMG_SHAPE_OPTION, detail)
    for media, extension in _MEDIA.items():
        detail = detail.replace(f"ask for {media}", f"write {extension}")
    detail = re.sub(
        r'options\.(\w+) = "(\w+)" or "(\w+)"',
        lambda found: f"{flags.get(found[1], option_name(found[1]))} {found[2]} or {found[3]}",
        detail,
    )
    # In "the mode `channel`" it is a value of an option.
    detail = re.sub(r"(?<!mode )`(\w+)`", lambda found: flags.get(found[1], found[1]), detail).replace("`", "")
    place = f"{source}: " if source and not detail.startswith(repr(source)) else ""
    if error.file and error.file not in detail and not source.endswith(error.file):
        place += f"{error.file}: "
    return f"{place}{detail}"
