"""BuildRequest: what to build from which files, stored with the build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What is to be built.

    Attributes:
        inputs: the files, in the folder of uploads; folders are there or under HEATSVC_DATASETS_DIR.
        options: how to build.
        check: only report, without writing a pickle.
        created: when it was submitted, in seconds since 1970.
    """

    inputs: Inputs
    options: AnnotationOptions
    check: bool
    created: float

    def as_json(self, uploads: Path, datasets: Path | None = None) -> dict[str, Any]:
        """A JSON object, with paths relative to `uploads` and `datasets`.

        Raises:
            ValueError: a path is in neither.
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
                raise ValueError(f"{path} is neither in the uploads nor in the datasets folder")
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
        """The request that `as_json` was called on; uploads and datasets may have been moved since.

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


def dataset_folder(root: Path | None, name: str, *, field: str = "dataset") -> Path:
    """The folder of a dataset that the operator has mounted, with symbolic links resolved.

    Args:
        root: HEATSVC_DATASETS_DIR; None where nothing is mounted.
        name: the folder's name under it, ``KETI/Keypoints-MMPOSE``.
        field: the field of the request that has the name.

    Raises:
        AnnotationError: there is no such folder, or it is outside of `root`.
    """
    if root is None:
        raise AnnotationError("no datasets are mounted here (setting HEATSVC_DATASETS_DIR)", field=field)
    try:
        within = root.resolve(strict=True)
        folder = (within / name).resolve(strict=True)
        found = folder.is_relative_to(within) and folder.is_dir()
    except (OSError, ValueError, RuntimeError):  # absent, not readable, a NUL in it, links in a circle
        found = False
    if not found:
        raise AnnotationError(
            f"there is no dataset {name[:200]!r}; give the name of a folder under HEATSVC_DATASETS_DIR", field=field
        )
    return folder
