"""Input files and output paths of `heatsvc annotate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heatsvc.annotation.inputs import InputFile, Inputs


def unwritable_reason(output: Path) -> str:
    """Why a pickle cannot be written to a path; "" if it can. Checked before anything is read, which may take long."""
    from heatsvc.annotation.artifacts import MEDIA_TYPES, PICKLE

    beside = folder_beside(output)
    if (output.exists() and not output.is_file()) or not output.absolute().parent.is_dir():
        return f"{output} is not a file that can be written"
    if beside.exists() and not beside.is_dir():
        return f"{beside} is a file, and a folder of that name is needed: give the pickle another name"
    if output.name == "work" or (output.name in MEDIA_TYPES and output.name != PICKLE):
        return (
            f"{output.name} is the name of another file of the dataset: give the pickle another name, such as KETI.pkl"
        )
    return ""


def find_inputs(keypoints: list[Path], labels: list[Path], split: list[Path], trim: list[Path]) -> Inputs:
    """The files and folders that the options name.

    Raises:
        AnnotationError: a path does not exist, or there are several folders where one is allowed.
    """
    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.inputs import Inputs

    for path in (*keypoints, *labels, *trim, *split):
        if not path.exists():
            raise AnnotationError(f"{path} does not exist")
    keypoint_files, folder = _split_paths(keypoints, "--keypoints")
    trim_files, trim_folder = _split_paths(trim, "--trim")
    label_files, labels_folder = _split_paths(labels, "--labels")
    if labels_folder is not None:
        label_files += _label_files(labels_folder)
    split_files, split_folder = _split_paths(split, "--split")
    if split_folder is not None:
        raise AnnotationError(f"{split_folder} is a folder: name the split file, such as {split_folder}/split.json")
    return Inputs(keypoint_files, folder, label_files, split_files, trim_files, trim_folder)


def is_input(output: Path, inputs: Inputs) -> bool:
    """Whether a pickle would be written over a file that is read."""
    if not output.exists():
        return False
    files = (*inputs.keypoints, *inputs.labels, *inputs.split, *inputs.trim)
    if any(file.path.samefile(output) for file in files):
        return True
    # A pickle in a folder of keypoints is an earlier result.
    folders = [folder.resolve() for folder in (inputs.folder, inputs.trim_folder) if folder is not None]
    is_within = any(output.resolve().is_relative_to(folder) for folder in folders)
    return is_within and output.suffix.lower() not in (".pkl", ".pickle")


def _label_files(folder: Path) -> tuple[InputFile, ...]:
    """The label files in a folder and below it, sorted by name."""
    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.inputs import InputFile
    from heatsvc.annotation.labels.labels import is_label_file
    from heatsvc.pose.readers.folder import files_in_folder

    found = sorted((name, entry.path) for name, entry in files_in_folder(folder, is_label_file))
    if not found:
        raise AnnotationError(f"there is no label file in the folder {folder}, such as .xlsx, .csv or .json")
    return tuple(InputFile(name, Path(path)) for name, path in found)


def _split_paths(paths: list[Path], option: str) -> tuple[tuple[InputFile, ...], Path | None]:
    """The files among the paths, and the folder, of which there may be only one."""
    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.inputs import InputFile

    folders = [path for path in paths if path.is_dir()]
    if len(folders) > 1:
        raise AnnotationError(f"{option} names two folders, {folders[0]} and {folders[1]}: name the one above both")
    files = tuple(InputFile(path.name, path) for path in paths if not path.is_dir())
    return files, folders[0] if folders else None


def folder_beside(target: Path) -> Path:
    """The folder of a pickle's other files: ``KETI`` for ``KETI.pkl``."""
    return target.with_suffix("") if target.suffix else target.with_name(f"{target.name}-files")
