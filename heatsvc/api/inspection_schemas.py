"""Schemas of POST /annotation/inspect: its form, and the description of a dataset's files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from heatsvc.annotation.options import MAX_NAMES, AnnotationOptions
from heatsvc.api.build_schemas import File


class InspectionForm(BaseModel):
    """The parts of a request to /annotation/inspect: those of /annotation, all optional."""

    model_config = ConfigDict(extra="forbid")

    keypoints: list[File] = Field(
        default_factory=list,
        description="Keypoint files, or archives of them. An empty file is counted by its name and not read, so that a "
        "client can send only the names of most files of a large folder.",
    )
    labels: list[File] = Field(default_factory=list, description="Label tables, label maps and lists of classes.")
    split: list[File] = Field(default_factory=list, description="Split files.")
    options: AnnotationOptions = Field(default_factory=lambda: AnnotationOptions.model_validate({}))


class ContentsProblem(BaseModel):
    """Why files cannot be used, as a build would report it."""

    detail: str = Field(description="What is wrong, and what would be valid.")
    field: str | None = None
    file: str | None = Field(None, description="The file with the error.")
    frame: int | None = Field(None, description="The frame with the error.")


class Contents(BaseModel):
    """The contents of files of one kind. If there is a problem, all other fields are empty."""

    problem: ContentsProblem | None = None


class KeypointSample(BaseModel):
    """The first clip of a keypoint file."""

    file: str
    persons: int | None = Field(None, description="M, the number of persons.")
    frames: int | None = Field(None, description="T, the number of frames.")
    points: int | None = Field(None, description="V, the number of keypoints.")
    layout: str | None = Field(None, description="The keypoint layout; null if unknown.")
    img_shape: tuple[int, int] | None = Field(
        None, description="`[height, width]`; null if neither the file nor the options specify it."
    )
    problem: ContentsProblem | None = None


class KeypointContents(Contents):
    """Keypoint files."""

    files: int = Field(
        0, description="Number of keypoint files, including those in archives. A clip's frame files count as one."
    )
    names: list[str] = Field([], description=f"Names of the first {MAX_NAMES} videos.")
    samples: list[KeypointSample] = Field([], description="The first files that are not empty.")
    notes: list[str] = Field([], description="Assumptions that were made, and files that were ignored.")


class LabelSourceInfo(BaseModel):
    """The detected format of a label file."""

    file: str
    files: int = Field(description="Number of files; many of one format and encoding are described together.")
    format: str
    encoding: str = Field(description='Encoding of its text; "" for a workbook.')
    assumed: bool = Field(description="Whether the encoding was assumed, because nothing declares it.")
    rows: int = Field(description="Number of videos.")
    classes: int = Field(description="Number of classes.")
    labels: list[str] = Field(description="The first three labels.")


class LabelContents(Contents):
    """Label files."""

    files: list[LabelSourceInfo] = []
    videos: int = Field(0, description="Number of labeled videos after the filters.")
    classes: int = 0
    names: list[str] = Field([], description=f"Names of the first {MAX_NAMES} videos.")
    columns: list[str] = Field([], description="Columns of the tables.")
    filtered: dict[str, int] = Field({}, description="Number of videos that each filter of the options excludes.")


class SplitInfo(BaseModel):
    """A split."""

    name: str
    videos: int = Field(description="Number of labeled videos in it; without labels, of names in the split file.")


class SplitContents(Contents):
    """The splits, from split files, a rule in the options, or a column of the labels."""

    splits: list[SplitInfo] = []
    column: str | None = Field(None, description="The column of the labels that defines the splits, if one does.")
    assumed: list[str] = Field([], description="Split files whose encoding was assumed.")


class VideoContents(Contents):
    """How the names of keypoints, labels and splits match."""

    labelled: int = Field(0, description="Number of labeled videos.")
    with_keypoints: int = Field(0, description="Number of labeled videos with a keypoint file.")
    ready: int = Field(0, description="Number of labeled videos with a keypoint file that are in a split.")
    without_keypoints: list[str] = Field([], description=f"The first {MAX_NAMES} labeled videos without keypoints.")
    unlabelled: int = Field(0, description="Number of keypoint files whose video is not in the labels.")
    faults: dict[str, int] = Field({}, description="Number of faults of the splits, by kind as in the report.")
    mismatch: str | None = Field(None, description="Why no video can be used; null if some can.")


class DatasetContents(BaseModel):
    """The contents of a dataset's files; null for parts that were not sent."""

    keypoints: KeypointContents | None = None
    labels: LabelContents | None = None
    split: SplitContents | None = None
    videos: VideoContents | None = Field(None, description="Null unless keypoints and labels were sent.")
