"""The JSON documents of POST /annotation/inspect: its form, and what is in a dataset's files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from heatsvc.annotation.contents import MAX_NAMES
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.api.build_schemas import File


class InspectionForm(BaseModel):
    """The parts of a request to /annotation/inspect: those of /annotation, of which any may be left out."""

    model_config = ConfigDict(extra="forbid")

    keypoints: list[File] = Field(
        default_factory=list,
        description="Keypoint files, or archives of them. A file without bytes is counted by its name, and not read: "
        "of a large folder the names and a few files are enough.",
    )
    labels: list[File] = Field(default_factory=list, description="Label tables, label maps and lists of classes.")
    split: list[File] = Field(default_factory=list, description="Split files.")
    options: AnnotationOptions = Field(default_factory=lambda: AnnotationOptions.model_validate({}))


class ContentsProblem(BaseModel):
    """Why files cannot be used: what the build would say of them."""

    detail: str = Field(description="What is wrong, and what would be right.")
    field: str | None = None
    file: str | None = Field(None, description="The file that it is in.")
    frame: int | None = Field(None, description="The frame that it is in.")


class Contents(BaseModel):
    """What is in files of one kind. Where there is a problem, everything else is empty."""

    problem: ContentsProblem | None = None


class KeypointSample(BaseModel):
    """The first clip of a keypoint file."""

    file: str
    persons: int | None = Field(None, description="M.")
    frames: int | None = Field(None, description="T.")
    points: int | None = Field(None, description="V.")
    layout: str | None = Field(None, description="The layout that its points have; null where it is not known.")
    img_shape: tuple[int, int] | None = Field(
        None, description="`[height, width]`; null where neither the file nor the options have it."
    )
    problem: ContentsProblem | None = None


class KeypointContents(Contents):
    """Keypoint files."""

    files: int = Field(0, description="Keypoint files, those in archives included; the frame files of a clip are one.")
    names: list[str] = Field([], description=f"The first {MAX_NAMES} videos.")
    samples: list[KeypointSample] = Field([], description="The first files that have bytes.")
    notes: list[str] = Field([], description="What was assumed, or left out.")


class LabelSourceInfo(BaseModel):
    """What a label file was taken for."""

    file: str
    files: int = Field(description="How many files it stands for, of many of one format and encoding.")
    format: str
    encoding: str = Field(description='Of its text; "" of a workbook.')
    assumed: bool = Field(description="Whether the encoding was assumed, since nothing declares it.")
    rows: int = Field(description="Videos in it.")
    classes: int = Field(description="Classes in it.")
    labels: list[str] = Field(description="The first three labels, as they were read.")


class LabelContents(Contents):
    """Label files."""

    files: list[LabelSourceInfo] = []
    videos: int = Field(0, description="Labeled videos that the filters leave.")
    classes: int = 0
    names: list[str] = Field([], description=f"The first {MAX_NAMES} videos.")
    columns: list[str] = Field([], description="Columns of the tables.")
    filtered: dict[str, int] = Field({}, description="How many videos each filter of the options leaves out.")


class SplitInfo(BaseModel):
    """A split."""

    name: str
    videos: int = Field(description="Labeled videos in it; names in the split file as long as there are no labels.")


class SplitContents(Contents):
    """The splits: of split files, of a rule in the options, or of a column of the labels."""

    splits: list[SplitInfo] = []
    column: str | None = Field(None, description="The column of the labels, where nothing else gives the splits.")
    assumed: list[str] = Field([], description="Split files whose encoding was assumed.")


class VideoContents(Contents):
    """How the names of keypoints, labels and splits match."""

    labelled: int = Field(0, description="Labeled videos.")
    with_keypoints: int = Field(0, description="Of these, those that have a keypoint file.")
    ready: int = Field(0, description="Of these, those that are in a split.")
    without_keypoints: list[str] = Field([], description=f"The first {MAX_NAMES} labeled videos without one.")
    unlabelled: int = Field(0, description="Keypoint files whose video is not in the labels.")
    faults: dict[str, int] = Field({}, description="Faults of the splits by kind, as in the report.")
    mismatch: str | None = Field(None, description="Why no video is left; null where some are.")


class DatasetContents(BaseModel):
    """What is in the files of a dataset; null of what was not sent."""

    keypoints: KeypointContents | None = None
    labels: LabelContents | None = None
    split: SplitContents | None = None
    videos: VideoContents | None = Field(None, description="Where there are keypoints and labels.")
