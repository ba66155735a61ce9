"""Attempts: how often a build was begun, so that one which brings its worker down each time does not do so for ever."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson

from heatsvc.annotation.progress import Progress
from heatsvc.jobs.folder import BuildFolder, write_json

_STAGES = ("waiting", "labels", "keypoints", "writing", "done")


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a build was begun since it last came further than ever before.

    Attributes:
        number: of them; the one under way counts.
        stage: the furthest stage that was ever seen, as a number; `files_read` and `clips_written`: the most in it.
    """

    number: int = 0
    stage: int = 0
    files_read: int = 0
    clips_written: int = 0

    @classmethod
    def of(cls, folder: BuildFolder) -> Attempts:
        """What the folder tells; none of a build that was never begun."""
        try:
            return cls(**orjson.loads((folder.path / "attempts.json").read_bytes()))
        except FileNotFoundError:
            return cls()

    def next(self, seen: Progress) -> Attempts:
        """The attempt after this one, which came as far as was seen."""
        came = (_STAGES.index(seen.stage), seen.files_read, seen.clips_written)
        if came > (self.stage, self.files_read, self.clips_written):
            return Attempts(1, *came)
        return Attempts(self.number + 1, self.stage, self.files_read, self.clips_written)

    def write(self, folder: BuildFolder) -> None:
        """Have the folder tell it.

        Raises:
            OSError: the folder is gone, or the disk full.
        """
        write_json(folder.path / "attempts.json", asdict(self))
