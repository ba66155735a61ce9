"""What is wrong with an input, told where it is known.

Every room raises its own kind with the place (file, field, frame) and what would be right; `api/problems.py` alone
knows which status code a kind becomes.
"""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """An input that cannot be used.

    Attributes:
        detail: one sentence, what is wrong and what would be right.
        field: the option or array it is about, as a path: ``keypoint``, ``clips[3].img_shape``, ``pipeline[2].scale``.
        file: the name of the uploaded file, where there is one.
        frame: the frame's index, where the fault sits in one.
    """

    def __init__(self, detail: str, *, field: str | None = None, file: str | None = None, frame: int | None = None):
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.file = file
        self.frame = frame

    def __reduce__(self) -> tuple[Any, ...]:
        """Whole through a pipe between processes, whatever the constructor of its kind asks for."""
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[InputError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> InputError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class LimitError(InputError):
    """An input, or the answer it asks for, is larger than a setting allows.

    Attributes:
        setting: the setting's name, ``HEATSVC_MAX_FRAMES``.
        limit: its value.
        got: what the request asks for, in the same unit.
    """

    def __init__(
        self, detail: str, *, setting: str, limit: int, got: int, field: str | None = None, file: str | None = None
    ):
        super().__init__(f"{detail} (limit {limit:,}, setting {setting})", field=field, file=file)
        self.setting = setting
        self.limit = limit
        self.got = got
