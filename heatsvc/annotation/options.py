"""AnnotationOptions: the options of a dataset, as in the `options` part of a request."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from heatsvc.annotation.labels.frame_range import FrameRangeMode
from heatsvc.annotation.labels.name_pattern import NamePattern
from heatsvc.pose import LAYOUTS
from heatsvc.pose.findings import Interpretation, PlausibilityMode
from heatsvc.pose.select import MissingPoints

MAX_NAMES = 5
"""Maximum number of names that the description of a dataset lists."""

_Index = Annotated[int, Field(ge=0, strict=True)]
_Side = Annotated[int, Field(ge=1, le=100_000, strict=True)]
_Value = str | Annotated[int, Field(ge=-(2**63), le=2**63 - 1, strict=True)]


def _check_layout(name: str) -> str:
    if name not in LAYOUTS:
        raise ValueError(f"unknown layout {name!r:.60}: known layouts are {', '.join(LAYOUTS)}")
    return name


_LayoutName = Annotated[str, AfterValidator(_check_layout), Field(json_schema_extra={"enum": list(LAYOUTS)})]

_ENCODINGS = (
    *("cp949", "euc_kr", "johab", "gb18030", "gbk", "big5", "big5hkscs", "shift_jis", "cp932", "euc_jp", "iso2022_jp"),
    *("utf-16-le", "utf-16-be", "iso8859-1", "iso8859-2", "iso8859-9", "iso8859-15", "cp1250", "cp1251", "cp1252"),
    *("cp1253", "cp1254", "cp1255", "cp1256", "cp1258", "cp874", "koi8-r"),
)


def _check_encoding(name: str) -> str:
    """The name of an encoding in Python's codecs, such as ``iso8859-1`` for ``latin-1``."""
    try:
        found = codecs.lookup(name[:40]).name
    except (LookupError, ValueError):
        found = ""
    if found not in _ENCODINGS:
        raise ValueError(f"unknown encoding {name[:40]!r}: use one of {', '.join(_ENCODINGS)}")
    return found


_Encoding = Annotated[str, AfterValidator(_check_encoding), Field(json_schema_extra={"enum": list(_ENCODINGS)})]


def _check_name_pattern(text: str) -> str:
    NamePattern.of(text)
    return text


_NamePattern = Annotated[
    str,
    Field(max_length=255, json_schema_extra={"pattern": r"^[^{}]*\{[A-Za-z_][A-Za-z0-9_]{0,39}\}[^{}]*$"}),
    AfterValidator(_check_name_pattern),
]

Wanted = list[_Value] | _Value
"""Values of a column, or conditions such as ``">10"``: one or a list, of which a row must match any."""


class Columns(BaseModel):
    """The columns of tables other than KETI's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, description="The column of video names, such as `path`.")
    label: str | None = Field(default=None, description="The column of labels, such as `words`.")


class AnnotationOptions(BaseModel):
    """Options of a dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: _LayoutName | Annotated[list[_Index], Field(min_length=1)] | None = Field(
        "sign27",
        description="Keypoints to take: a layout (`sign27`, `coco_wholebody` for all 133), indices, or null for all.",
    )
    missing_points: MissingPoints = Field(
        "missing",
        description="Keypoints of the layout `select` that a file does not have. `missing`: zeros, with a warning; "
        "`error`: a fault of the file.",
    )
    dtype: Literal["float16", "float32"] = Field(
        "float16", description="Type of `keypoint` and `keypoint_score`; float16 in PYSKL's own pickles."
    )
    img_shape: tuple[_Side, _Side] | None = Field(
        None, description="`[height, width]` of the video frame in pixels, for files that do not have it."
    )
    layout: _LayoutName | None = Field(
        None, description="Layout of the keypoints in the files; by default it is inferred from names or number."
    )
    coordinates: Literal["pixels", "normalized"] = Field(
        "pixels", description="`normalized`: x and y are from 0 to 1, and are multiplied by `img_shape`."
    )
    project: Literal["xy"] | None = Field(
        None, description="`xy`: the third number of a keypoint is a depth, and is dropped. By default it is the score."
    )
    plausibility: PlausibilityMode = Field(
        "error",
        description="What happens to impossible numbers. `error`: the file has the fault `implausible`; `warn`: they "
        "are accepted and reported, as doubtful ones are; `ignore`: nothing is checked.",
    )
    missing: Literal["zeros", "drop", "error"] = Field(
        "zeros",
        description="What happens to videos without keypoints (no file, no frames, a pickled None). `zeros`: they "
        "become zeros of the average number of frames; `drop`: they are left out; `error`: the build fails.",
    )
    faulty: Literal["error", "drop", "zeros"] = Field(
        "error",
        description="What happens to files that cannot be used (cut short, other points, infinite, implausible). "
        "`error`: the build fails; `drop`: they are left out; `zeros`: they become zeros.",
    )
    types: Wanted | None = Field(None, description="Only rows of these types (단어, 문장).")
    views: Wanted | None = Field(None, description="Only rows of these views (방향): 정면, 측면, 좌측면, 우측면.")
    signers: Wanted | None = Field(None, description='Only rows of these signers; `">10"` is a condition.')
    years: Wanted | None = Field(None, description="Only rows of these years.")
    columns: Columns = Field(Columns(), description="Names of the columns in tables of other forms.")
    file_suffix: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Ending that only the names of keypoint files have, such as `_color` in AUTSL's "
        "`signer0_sample1_color.npy`.",
    )
    name_pattern: _NamePattern | None = Field(
        None,
        description="A video name with columns in braces, for filters and splits: "
        "`NIA_SL_{word}_REAL{signer}_{view}`, `signer{signer}_sample{sample}`.",
    )
    frame_range: FrameRangeMode = Field(
        "report",
        description="What happens to a range of frames in the labels, such as WLASL's `frame_start` and `frame_end`, "
        "counted from 1. `report`: a video that is not cut to it has the fault `frame_range`, and is kept whole; "
        "`apply`: it is cut; `ignore`: neither.",
    )
    labels: Literal["auto", "names"] = Field(
        "auto",
        description="`auto`: labels that are all whole numbers are class indices; `names`: they are names, as other "
        "texts are.",
    )
    encoding: _Encoding | None = Field(
        None,
        description="Encoding of labels, split and frame counts that are neither UTF-8 nor UTF-16 with a byte-order "
        "mark. By default CP949, which the report notes.",
    )
    split: dict[str, Any] | None = Field(
        None,
        description='A rule instead of a split file: `{"signer": {"train": ">10", "test": "<=10"}}`, with any column '
        'of the labels, or `{"random": {"train": 0.8, "test": 0.2}, "seed": 0}`, stratified by label.',
    )
    split_policy: Literal["error", "drop", "first"] = Field(
        "error",
        description="What happens to names in two splits, in none, or not in the labels. `error`: the build fails; "
        "`drop`: they are left out; `first`: the first of two splits counts, and the others are left out.",
    )
    dataset: str | None = Field(
        None, description="Folder of keypoint files in the server's HEATSVC_DATASETS_DIR, instead of uploads."
    )

    @property
    def interpretation(self) -> Interpretation:
        """How to interpret the numbers of the files."""
        return Interpretation(self.coordinates, self.project, self.plausibility)
