"""InputError and LimitError, the base classes of all errors about an input; and DeviceError.

Each package raises its own subclass, with field, file and frame, and says what would be valid. Only `api/problems.py`
maps errors to status codes.
"""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """An input that cannot be used.

    Attributes:
        detail: one sentence that says what is wrong and what would be valid.
        field: path of the option or array: ``keypoint``, ``clips[3].img_shape``, ``pipeline[2].scale``.
        file: name of the file with the error, if any.
        frame: index of the frame with the error, if any.
    """

    def __init__(self, detail: str, *, field: str | None = None, file: str | None = None, frame: int | None = None):
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.file = file
        self.frame = frame

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without calling the constructor, whose parameters differ among subclasses."""
        return _unpickle, (type(self), self.args, self.__dict__)


def _unpickle(kind: type[InputError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> InputError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class LimitError(InputError):
    """An input, or the response to it, is larger than a bound allows.

    `str(error)` is for programs that use the library and names the argument `bounds`; `detail` is for users of the
    service and of `heatsvc annotate`, and names the setting.

    Attributes:
        reason: what is too large: ``70 persons are too many``.
        bound: the field of `heatsvc.bounds.Bounds`, ``max_persons``, or another setting of the service.
        limit: the value of the bound.
        got: the value of the input, in the same unit.
    """

    def __init__(
        self, reason: str, *, bound: str, limit: int, got: int, field: str | None = None, file: str | None = None
    ):
        more = f"bounds=dataclasses.replace(heatsvc.bounds.DEFAULT_BOUNDS, {bound}={got})"
        super().__init__(f"{reason} (limit {limit:,}): {more} allows more", field=field, file=file)
        self.reason = reason
        self.bound = bound
        self.limit = limit
        self.got = got
        self.detail = f"{reason} (limit {limit:,}, setting {self.setting})"

    @property
    def setting(self) -> str:
        """The service's setting, ``HEATSVC_MAX_PERSONS``."""
        return f"HEATSVC_{self.bound.upper()}"


class DeviceError(RuntimeError):
    """A device does not exist, or cannot render."""
