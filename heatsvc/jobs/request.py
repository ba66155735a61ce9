"""BuildRequest: what a build is to make of which files, such that a process started next week can still read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.jobs.datasets import dataset_folder


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What is to be built.

    Attributes:
        inputs: the files; their paths lie in the folder of uploads, folders there or under HEATSVC_DATASETS_DIR.
        options: what is to become of them.
        check: report alone, and no pickle.
        created: when it was sent, in seconds since 1970.
    """

    inputs: Inputs
    options: AnnotationOptions
    check: bool
    created: float

    def as_json(self, uploads: Path, datasets: Path | None = None) -> dict[str, Any]:
        """The same as JSON has it, with paths as they stand below `uploads` and `datasets`.

        Raises:
            ValueError: a path that lies in neither.
        """
        inputs = self.inputs

        def file(one: InputFile) -> dict[str, str]:
            return {"name": one.name, "path": str(one.path.relative_to(uploads))}

        def folder(path: Path | None) -> dict[str, str] | None:
            if path is None:
                return None
            if path.is_relative_to(uploads):
                return {"uploads": str(path.relative_to(uploads))}
            if datasets is None:
                raise ValueError(f"{path} lies neither in the uploads nor among the datasets")
            return {"dataset": str(path.resolve().relative_to(datasets.resolve()))}

        return {
            "inputs": {
                "keypoints": [file(one) for one in inputs.keypoints],
                "folder": folder(inputs.folder),
                "labels": [file(one) for one in inputs.labels],
                "split": file(inputs.split) if inputs.split else None,
                "trim": [file(one) for one in inputs.trim],
                "trim_folder": folder(inputs.trim_folder),
            },
            "options": self.options.model_dump(mode="json"),
            "check": self.check,
            "created": self.created,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], uploads: Path, datasets: Path | None = None) -> BuildRequest:
        """What as_json gave, where uploads and datasets may have moved since.

        Raises:
            AnnotationError: a dataset is no longer mounted.
        """
        inputs = document["inputs"]

        def file(one: dict[str, str]) -> InputFile:
            return InputFile(one["name"], uploads / one["path"])

        def files(name: str) -> tuple[InputFile, ...]:
            return tuple(file(one) for one in inputs[name])

        def folder(one: dict[str, str] | None) -> Path | None:
            if one is None:
                return None
            return uploads / one["uploads"] if "uploads" in one else dataset_folder(datasets, one["dataset"])

        return cls(
            inputs=Inputs(
                keypoints=files("keypoints"),
                folder=folder(inputs["folder"]),
                labels=files("labels"),
                split=file(inputs["split"]) if inputs["split"] else None,
                trim=files("trim"),
                trim_folder=folder(inputs["trim_folder"]),
            ),
            options=AnnotationOptions.model_validate(document["options"]),
            check=document["check"],
            created=document["created"],
        )
