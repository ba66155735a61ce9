"""Upload and ReadOptions: a file of keypoints, parsed once for all readers, and what the file may lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy.typing as npt
import orjson

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.archives import zip as zip_archive
from heatsvc.pose.archives.formats import is_zip, without_archive_extension, without_compression
from heatsvc.pose.clip import PoseClip, check_frame_dir
from heatsvc.pose.errors import PoseError
from heatsvc.pose.findings import AS_GIVEN, Interpretation
from heatsvc.pose.layouts import Layout, LayoutError, canonical_names, check_names, get_layout, layout_of_names
from heatsvc.pose.readers.lists import broken_json, may_hold_booleans

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_BLANK = 64
_TEXT_EXTENSIONS = (".csv", ".tsv", ".txt")
EXTENSIONS = (".npy", ".npz", ".pose", ".json", ".skeleton", ".h5", ".hdf5", ".parquet", *_TEXT_EXTENSIONS, ".zip")
"""Extensions of keypoint files, pickles aside."""


def is_text_name(name: str) -> bool:
    """Whether a file's name says no more than that it is text: labels, a README, or points."""
    return without_compression(name.lower()).endswith(_TEXT_EXTENSIONS)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a file of keypoints may lack, how its numbers are meant, and limits of reading it.

    Attributes:
        img_shape: (height, width) in pixels, for files without one. A value in the file (`.npz`, `.pose`, COCO, an
            annotation pickle) takes precedence: its coordinates were measured in that frame.
        layout: name of the keypoint layout; takes precedence over the file's and over the number of points.
        frame_dirs: which clips of an annotation pickle, in this order; None for all, in the file's order.
        interpretation: how the numbers are meant, and whether those that cannot be are errors.
        bounds: how large a file may be, unpacked.
        token: checked regularly while a file is read; its exceptions are not caught.
    """

    img_shape: Sequence[int] | None = None
    layout: str | None = None
    frame_dirs: Sequence[str] | None = None
    interpretation: Interpretation = AS_GIVEN
    bounds: Bounds = DEFAULT_BOUNDS
    token: CancelToken = NEVER_CANCELLED


def is_blank(data: bytes) -> bool:
    """Whether a file has nothing in it, as tools write a frame without persons."""
    return len(data) <= _MAX_BLANK and data.removeprefix(_BYTE_ORDER_MARK).strip() in (b"", b"[]", b"{}", b"null")


DEFAULT_OPTIONS = ReadOptions()


class FrameFile(NamedTuple):
    """A file that is one frame of a clip: its name and content, and the number of the frame in its name."""

    name: str
    data: bytes
    number: int


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    Attributes:
        data: the content.
        filename: its name, "" if it has none; for messages and for the clip's name, never opened.
        options: options for reading it.
        frames: a clip's frame files in their order, if it has any; `data` is then the first that is not blank.
    """

    data: bytes
    filename: str = ""
    options: ReadOptions = DEFAULT_OPTIONS
    frames: tuple[FrameFile, ...] = ()

    @property
    def file(self) -> str | None:
        """The name for messages."""
        return self.filename or None

    @cached_property
    def is_json(self) -> bool:
        """Whether it begins as a JSON object or list does."""
        return self.data[:256].removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"[")

    @cached_property
    def json(self) -> Any:
        """The parsed JSON; None if it is not JSON.

        Raises:
            PoseError: the content begins like JSON but is invalid.
            LimitError: there are more values than max_input_values.
        """
        return self.parse_json(self.data) if self.is_json else None

    @cached_property
    def booleans(self) -> bool:
        """Whether its JSON may contain booleans."""
        return may_hold_booleans(self.data)

    @cached_property
    def is_zip(self) -> bool:
        """Whether it begins as a zip archive does."""
        return is_zip(self.data)

    @cached_property
    def member_names(self) -> list[str]:
        """The files of a zip archive; empty if it is not an archive."""
        if not self.is_zip:
            return []
        return zip_archive.member_names(self.data, bounds=self.options.bounds, file=self.file)

    @property
    def frame_dir(self) -> str:
        """The clip's name: the file's name without folders and extensions of keypoints, archives and compression.

        A video's extension is part of the name: ``KETI_SL_0000000419.avi.npy`` is ``KETI_SL_0000000419.avi``.

        Raises:
            PoseError: as check_frame_dir.
        """
        if not self.filename:
            return ""
        name = self.filename.replace("\\", "/").rsplit("/", 1)[-1]
        name = without_compression(without_archive_extension(name))
        for extension in EXTENSIONS:
            if name.lower().endswith(extension):
                name = name[: -len(extension)]
                break
        return check_frame_dir(name, field="filename", file=f"{self.filename!r:.100}")

    def parse_json(self, data: bytes, file: str | None = None) -> Any:
        """Parse JSON text: the upload's own, or that of the archive member `file`.

        Raises:
            PoseError: not JSON.
            LimitError: more values than max_input_values. Every value but the first follows a comma or is the first
                in a list or an object; both are counted.
        """
        file, bounds = file or self.file, self.options.bounds
        bounds.check("max_input_values", data.count(b",") + 1, "JSON values", file=file)
        # Nested lists need no comma, and an empty list of two bytes takes 56 bytes of memory.
        levels = data.count(b"[") + data.count(b"{")
        bounds.check("max_input_values", levels, "JSON lists and objects", file=file)
        try:
            return orjson.loads(data.removeprefix(_BYTE_ORDER_MARK))
        except orjson.JSONDecodeError as error:
            raise PoseError(broken_json(error), file=file) from None

    def parse_frames(self) -> Iterator[tuple[FrameFile, Any]]:
        """The frame files with their parsed JSON, in their order; None of blank ones, which are frames without persons.

        Raises:
            PoseError: not JSON.
            LimitError: more values than max_input_values in all of them.
        """
        values = 0
        for frame in self.frames:
            self.options.token.raise_if_cancelled()
            values += frame.data.count(b",") + 1
            self.options.bounds.check("max_input_values", values, "JSON values", file=self.file)
            yield frame, None if is_blank(frame.data) else self.parse_json(frame.data, frame.name)

    def error(self, text: str, field: str, frame: int | None = None) -> PoseError:
        """An error of this file."""
        return PoseError(text, field=field, file=self.file, frame=frame)

    def layout_of(
        self, names: Sequence[str], limbs: tuple[tuple[int, int], ...] = (), *, field: str, component: str = ""
    ) -> Layout:
        """The layout of points that the file names, see `canonical_names` and `layout_of_names`.

        Raises:
            LayoutError: names or limbs that cannot be a layout; with the file and `field`.
        """
        try:
            return layout_of_names(canonical_names(names, component), limbs)
        except LayoutError as error:
            error.field, error.file = field, self.file
            raise

    def build_clip(
        self,
        keypoint: npt.NDArray[Any],
        keypoint_score: npt.NDArray[Any] | None = None,
        img_shape: Sequence[int] | None = None,
        *,
        layout: Layout | None = None,
        interpretation: Interpretation | None = None,
        are_axes_known: bool = True,
    ) -> PoseClip:
        """Build a clip named after the file, with the layout of the options, and their img_shape if it is None.

        Args:
            keypoint, keypoint_score, img_shape, are_axes_known: as of `PoseClip.build`.
            layout: the layout of the file's point names, if any. The options' layout takes precedence, but must not
                contradict known names.
            interpretation: how to interpret the format's numbers; None uses that of the options.

        Raises:
            PoseError, LimitError, LayoutError: as `PoseClip.build`, and `check_names`.
        """
        options = self.options
        if options.layout and layout is not None:
            given = get_layout(options.layout, len(layout.points))
            if len(given.points) == len(layout.points):  # others are refused below
                check_names(given, layout, file=self.file)
        return PoseClip.build(
            keypoint,
            keypoint_score,
            img_shape=img_shape or options.img_shape,
            layout=options.layout or layout,
            frame_dir=self.frame_dir,
            bounds=options.bounds,
            file=self.file,
            interpretation=interpretation or options.interpretation,
            are_axes_known=are_axes_known,
        )
