"""Place: the data folder, and where in it things lie."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from heatsvc.jobs.folder import BuildFolder, is_build_id


@dataclass(frozen=True, slots=True)
class Place:
    """The data folder.

    Attributes:
        path: the folder itself; what lies in it is made when it is first needed.
    """

    path: Path

    @property
    def builds(self) -> Path:
        """Where builds lie, each in a folder named by its id."""
        return self.path / "builds"

    @property
    def uploads(self) -> Path:
        """Where uploads arrive."""
        return self.path / "uploads"

    @property
    def removed(self) -> Path:
        """Where folders go that are to be deleted: out of sight at once, however long it takes to delete them."""
        return self.path / "removed"

    @property
    def workers(self) -> Path:
        """Where each worker has a file that shows that it is alive."""
        return self.path / "workers"

    def database_url(self, given: str | None) -> str:
        """The builds' database: the one given, or a SQLite file here."""
        return given or f"sqlite:///{(self.path / 'builds.sqlite').absolute()}"

    def make(self) -> None:
        """Make all folders.

        Raises:
            OSError: they cannot be made.
        """
        for folder in (self.builds, self.uploads, self.removed, self.workers):
            folder.mkdir(parents=True, exist_ok=True)

    def build(self, id: str) -> BuildFolder:
        """A build's folder, there or not.

        Raises:
            ValueError: this is no id.
        """
        return BuildFolder(self.builds, id)

    def all_builds(self) -> list[BuildFolder]:
        """Every build there is, in no order."""
        try:
            names = [path.name for path in self.builds.iterdir()]
        except FileNotFoundError:
            return []
        return [BuildFolder(self.builds, name) for name in names if is_build_id(name)]

    def unfinished(self) -> list[BuildFolder]:
        """Builds without an outcome, in no order."""
        return [folder for folder in self.all_builds() if not (folder.path / "outcome.json").exists()]

    def new_folder(self, parent: Path) -> Path:
        """An empty folder with a name that nobody can guess, in one of the folders above.

        Raises:
            OSError: it cannot be made.
        """
        folder = parent / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder

    def discard(self, folder: Path) -> None:
        """Delete a folder: it is gone for others at once, wherever its deletion is cut off."""
        self.removed.mkdir(parents=True, exist_ok=True)
        aside = self.removed / secrets.token_hex(16)
        try:
            folder.rename(aside)
        except FileNotFoundError:
            return
        shutil.rmtree(aside, ignore_errors=True)
