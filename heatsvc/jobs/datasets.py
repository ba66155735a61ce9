"""Datasets: the folders that the operator has mounted, by name. No name leads out of the folder they lie in."""

from __future__ import annotations

from pathlib import Path

from heatsvc.annotation.errors import AnnotationError


def dataset_folder(root: Path | None, name: str, *, field: str = "dataset") -> Path:
    """The folder of a dataset, with symbolic links followed.

    Args:
        root: HEATSVC_DATASETS_DIR; None where nothing is mounted.
        name: the folder's name under it, ``KETI/Keypoints-MMPOSE``.
        field: what the name was given as.

    Raises:
        AnnotationError: there is no such folder, or it lies elsewhere.
    """
    if root is None:
        raise AnnotationError("no datasets are mounted here (setting HEATSVC_DATASETS_DIR)", field=field)
    told = f"there is no dataset {name[:200]!r}; give the name of a folder under HEATSVC_DATASETS_DIR"
    try:
        within = root.resolve(strict=True)
        folder = (within / name).resolve(strict=True)
        there = folder.is_relative_to(within) and folder.is_dir()
    except (OSError, ValueError, RuntimeError):  # absent, not to be entered, a NUL in it, links in a circle
        there = False
    if not there:
        raise AnnotationError(told, field=field)
    return folder
