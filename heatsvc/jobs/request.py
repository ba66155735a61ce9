"""BuildRequest: the files and options of a build, stored with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build.

    Attributes:
        inputs: the files, in the folder of uploads; folders are there or in HEATSVC_DATASETS_DIR.
        options: the options of the dataset.
        check: whether to write only a report, without a pickle.
        created: when it was submitted, in seconds since 1970.
    """

    inputs: Inputs
    options: AnnotationOptions
    check: bool
    created: float

    def as_json(self, uploads: Path, datasets: Path | None = None) -> dict[str, Any]:
        """Convert to a JSON object, with paths relative to `uploads` or `datasets`, since both may be moved.

        Raises:
            ValueError: a path is in neither.
        """

        def relative(path: Path) -> Path:
            if path.is_relative_to(uploads):
                return "uploads" / path.relative_to(uploads)
            if datasets is None:
                raise ValueError(f"{path} is neither in the uploads nor in the datasets folder")
            return "datasets" / path.resolve().relative_to(datasets.resolve())

        document: dict[str, Any] = _ADAPTER.dump_python(self._with_paths(relative), mode="json")
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any], uploads: Path, datasets: Path | None = None) -> BuildRequest:
        """Convert the result of `as_json` back.

        Raises:
            AnnotationError: the dataset is not mounted.
        """

        def absolute(path: Path) -> Path:
            folder, *rest = path.parts
            if folder == "uploads":
                return uploads.joinpath(*rest)
            try:
                return dataset_folder(datasets, "/".join(rest))
            except AnnotationError as error:
                raise AnnotationError(
                    f"HEATSVC_DATASETS_DIR of the build worker differs from the service's: {error.detail}",
                    field="dataset",
                ) from None

        return _ADAPTER.validate_python(document)._with_paths(absolute)

    def _with_paths(self, convert: Callable[[Path], Path]) -> BuildRequest:
        def convert_file(file: InputFile) -> InputFile:
            return replace(file, path=convert(file.path))

        inputs = self.inputs
        converted = replace(
            inputs,
            keypoints=tuple(map(convert_file, inputs.keypoints)),
            folder=convert(inputs.folder) if inputs.folder else None,
            labels=tuple(map(convert_file, inputs.labels)),
            split=tuple(map(convert_file, inputs.split)),
            trim=tuple(map(convert_file, inputs.trim)),
            trim_folder=convert(inputs.trim_folder) if inputs.trim_folder else None,
        )
        return replace(self, inputs=converted)


_ADAPTER = TypeAdapter(BuildRequest)


def dataset_folder(root: Path | None, name: str) -> Path:
    """The folder of a dataset that the operator has mounted, with symbolic links resolved.

    Args:
        root: HEATSVC_DATASETS_DIR; None if it is not set.
        name: path of the folder relative to it, ``KETI/Keypoints-MMPOSE``.

    Raises:
        AnnotationError: the folder does not exist, or is outside `root`.
    """
    if root is None:
        raise AnnotationError("the service has no datasets (setting HEATSVC_DATASETS_DIR)", field="dataset")
    try:
        within = root.resolve(strict=True)
        folder = (within / name).resolve(strict=True)
        found = folder.is_relative_to(within) and folder.is_dir()
    except (OSError, ValueError, RuntimeError):  # missing, not readable, a NUL character, a loop of links
        found = False
    if not found:
        raise AnnotationError(
            f"dataset {name[:200]!r} does not exist: it must be a folder in HEATSVC_DATASETS_DIR",
            field="dataset",
        )
    return folder
