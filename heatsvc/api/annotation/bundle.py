"""The bundle: all artifacts of a build in one zip archive, made when it is first asked for."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from heatsvc.annotation.artifacts import Artifact, sync_folder
from heatsvc.api.annotation.addresses import BUNDLE
from heatsvc.api.spool import full_disk
from heatsvc.jobs.folder import BuildFolder

MEDIA_TYPE = "application/zip"
_PIECE = 1 << 20
# Zip's oldest: the same artifacts make the same archive, whenever it is made.
_TIME = (1980, 1, 1, 0, 0, 0)


def bundle_of(folder: BuildFolder, artifacts: Sequence[Artifact]) -> tuple[Path, Artifact]:
    """The bundle of a finished build, whole, and what tells it apart: its bytes follow from the artifacts' hashes.

    Raises:
        RequestError: 507, the disk is full.
        FileNotFoundError: the build is gone.
    """
    path = folder.path / BUNDLE
    if not path.exists():
        # What stands in it is compressed already, or small.
        handle, aside = tempfile.mkstemp(prefix=f".{BUNDLE}.", dir=folder.path)
        try:
            with os.fdopen(handle, "wb") as file:
                with zipfile.ZipFile(file, "w") as archive:
                    for artifact in artifacts:
                        _add(archive, folder.artifacts / artifact.name, artifact)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException as error:
            Path(aside).unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise full_disk(error) from error
            raise
        sync_folder(folder.path)
    digest = hashlib.sha256("".join(f"{artifact.name} {artifact.sha256}\n" for artifact in artifacts).encode())
    return path, Artifact(BUNDLE, MEDIA_TYPE, path.stat().st_size, digest.hexdigest())


def _add(archive: zipfile.ZipFile, path: Path, artifact: Artifact) -> None:
    info = zipfile.ZipInfo(artifact.name, _TIME)
    info.external_attr = 0o644 << 16
    info.file_size = artifact.size  # tells whether it needs zip64
    with path.open("rb") as source, archive.open(info, "w") as member:
        shutil.copyfileobj(source, member, _PIECE)
