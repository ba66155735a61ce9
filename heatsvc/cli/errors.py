"""UsageError and CommandError; and how errors of the library read on a command line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from heatsvc.errors import InputError

_IMG_SHAPE = re.compile(
    r"(the option img_shape,|the video frame's) \[height, width\] in pixels, such as \[1080, 1920\]"
)
_IMG_SHAPE_TYPED = "the video frame's height and width in pixels, such as --img-shape 1080 1920"
_MEDIA = {
    "application/x-npy": ".npy",
    "application/x-npz": ".npz",
    "application/vnd.safetensors": ".safetensors",
}


class UsageError(Exception):
    """Arguments that cannot be meant: exit status 2."""


class CommandError(Exception):
    """A command that could not do what it was told to: exit status 1."""


def option_name(field: str) -> str:
    """An option as it is typed: ``--img-shape`` for ``img_shape``."""
    return f"--{field.replace('_', '-')}"


def advice_as_typed(text: str, flags: Mapping[str, str]) -> str:
    """Advice with options as they are typed: ``--faulty drop`` for ``faulty=drop``."""
    return re.sub(r"\b(\w+)=(\w+)", lambda found: f"{flags.get(found[1], option_name(found[1]))} {found[2]}", text)


def as_typed(error: InputError, flags: Mapping[str, str], source: str = "") -> str:
    """An error's message with the file that it is about, and with options as they are typed.

    Args:
        error: of any package.
        flags: the option of each field of a request, ``{"img_shape": "--img-shape"}``.
        source: the path that was given for the file.
    """
    detail = error.detail
    name = (error.field or "").removeprefix("options.").removeprefix("picture.")
    if name in flags and detail.startswith(name):
        detail = flags[name] + detail.removeprefix(name)
    detail = _IMG_SHAPE.sub(_IMG_SHAPE_TYPED, detail)
    for media, extension in _MEDIA.items():
        detail = detail.replace(f"ask for {media}", f"write {extension}")
    detail = re.sub(
        r'options\.(\w+) = "(\w+)" or "(\w+)"',
        lambda found: f"{flags.get(found[1], option_name(found[1]))} {found[2]} or {found[3]}",
        detail,
    )
    # The mode `channel` is no option.
    detail = re.sub(r"(?<!mode )`(\w+)`", lambda found: flags.get(found[1], found[1]), detail).replace("`", "")
    place = f"{source}: " if source and not detail.startswith(repr(source)) else ""
    if error.file and error.file not in detail and not source.endswith(error.file):
        place += f"{error.file}: "
    return f"{place}{detail}"
