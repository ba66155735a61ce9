"""CpuDevice: threads that draw chunks by the compiled loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from heatsvc.encode.codings import EncodedChunk
from heatsvc.encode.stretch import Stretch

# Of dense output: five clips of PoseC3D's size, a millisecond; four chunks of full maps, some ten.
_BUDGET = 64 << 20


@dataclass(frozen=True, slots=True)
class CpuDevice:
    """Takes everything, chunk by chunk.

    Attributes:
        lanes: threads.
        budget: bytes of dense output in a batch.
    """

    name: ClassVar[str] = "cpu"
    cuts: ClassVar[bool] = True
    least: ClassVar[float] = 0

    lanes: int
    budget: int = _BUDGET

    def takes(self, task: Stretch) -> bool:
        """Whatever it is."""
        return True

    def run(self, tasks: Sequence[Stretch]) -> list[list[EncodedChunk] | Exception]:
        """One after the other; what goes wrong with one ends that one."""
        return [_outcome(task) for task in tasks]


def _outcome(task: Stretch) -> list[EncodedChunk] | Exception:
    """Of one. By itself, as an error knows the frames it came through: they must not know what came of others."""
    try:
        return task.code()
    except Exception as error:
        return error
