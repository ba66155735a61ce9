"""Kind: one kind of file, how it is made, and how anybody would read a point of it."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

HD: dict[str, Any] = {"img_shape": (1080, 1920)}
"""What files without a frame size need."""

Point = tuple[float, float, float]
"""x, y and score; pixels, but where the file has shares of the frame these."""


@dataclass(frozen=True)
class Kind:
    """A kind of file that is read.

    Attributes:
        tool: what writes it.
        file: what the file is.
        score: what the scores are, for the table.
        filename: a name as the tool gives it.
        make: the file's bytes.
        plain: the named point of the named clip and frame, read without heatsvc.
        clip: the clip's name.
        shape: its (M, T, V).
        layout: its layout's name, None where only the file has these points.
        point: a point's name.
        where: (person, frame) of it.
        options: what `heatsvc.read` must be given besides.
        img_shape: the file's own; None where it is given.
        clips: number of clips in the file.
        scale: what its coordinates are multiplied by, (x, y).
    """

    tool: str
    file: str
    score: str
    filename: str
    make: Callable[[], bytes]
    plain: Callable[[bytes], Point]
    clip: str
    shape: tuple[int, int, int]
    layout: str | None
    point: str
    where: tuple[int, int] = (0, 0)
    options: Mapping[str, Any] = field(default_factory=dict)
    img_shape: tuple[int, int] | None = None
    clips: int = 1
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Refused:
    """A kind of file that is refused.

    Attributes:
        tool: what writes it.
        file: what the file is.
        filename: a name as the tool gives it.
        make: the file's bytes.
        said: what the error says, a regular expression.
        next_step: what to do, for the table.
        options: given nevertheless.
    """

    tool: str
    file: str
    filename: str
    make: Callable[[], bytes]
    said: str
    next_step: str
    options: Mapping[str, Any] = field(default_factory=dict)


def motion(*shape: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """[..., 3] of that shape: x of 300..1500, y of 100..900, scores of 0.3..0.98, with three decimals."""
    random = np.random.default_rng((seed, *shape))
    unit = random.random((*shape, 3))
    return (unit * (1200, 800, 0.68) + (300, 100, 0.3)).round(3)


def flat(points: npt.NDArray[np.float64]) -> list[float]:
    """x, y, score after x, y, score."""
    return [float(number) for number in points.ravel()]


def text(document: Any) -> bytes:
    """JSON."""
    return json.dumps(document).encode()


def npy(array: npt.NDArray[Any]) -> bytes:
    """As `numpy.save` writes it."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def load(data: bytes) -> npt.NDArray[Any]:
    """As `numpy.load` reads it."""
    array: npt.NDArray[Any] = np.load(io.BytesIO(data))
    return array


def point_of(numbers: npt.ArrayLike) -> Point:
    """Three numbers, the score 1 where there are two."""
    x, y, *score = (float(number) for number in np.asarray(numbers))
    return x, y, score[0] if score else 1.0


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def member(data: bytes, name: str) -> bytes:
    """A file of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def tarred(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    """A tar archive; mode ``w:gz`` for a compressed one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
