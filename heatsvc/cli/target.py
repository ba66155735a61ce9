"""Target and OutputPaths: where `heatsvc draw` writes, and in which format."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from heatsvc.cli.errors import UsageError
from heatsvc.cli.heatmap_files import find_format
from heatsvc.cli.sources import KeypointSource
from heatsvc.encode.formats import Format
from heatsvc.errors import InputError

STANDARD_OUTPUT = "-"
_NAME = "{name}"


@dataclass(frozen=True)
class Target:
    """Where heatmaps are written.

    Attributes:
        format: of the files.
        extension: of the format.
        path: the only file, ``-`` for standard output; None if each clip has a file.
        template: of the paths of the clips, with ``{name}``.
    """

    format: Format
    extension: str
    path: str | None = None
    template: str = ""

    @classmethod
    def from_options(cls, output: str, format: str | None) -> Target:
        """The target that --output and --format name.

        Raises:
            UsageError: the format is unknown, the folder does not exist, or standard output is a terminal.
        """
        if output == STANDARD_OUTPUT:
            if sys.stdout.isatty():
                raise UsageError("--output -: standard output is a terminal: give a file, or pipe it to a program")
            return cls(find_format(format or "npy", "--format"), format or "npy", path=output)
        if output.endswith("/") or Path(output).is_dir():
            extension = format or "npy"
            return cls(
                find_format(extension, "--format"), extension, template=f"{output.rstrip('/')}/{_NAME}.{extension}"
            )
        extension = format or Path(output).suffix.removeprefix(".")
        found = find_format(extension, "--format" if format else f"--output {output}")
        if _NAME in output:
            return cls(found, extension, template=output)
        if not Path(output).absolute().parent.is_dir():
            raise UsageError(f"--output {output}: the folder {Path(output).parent} does not exist")
        return cls(found, extension, path=output)

    @property
    def is_standard_output(self) -> bool:
        """Whether the heatmaps are written to standard output."""
        return self.path == STANDARD_OUTPUT

    def too_many_message(self, count: int, what: str) -> str:
        """The error message for several clips in a format that holds one."""
        return (
            f"{count:,} {what} do not fit into one .{self.extension}: give a folder (-o heatmaps/), a name for each "
            f"(-o '{_NAME}.{self.extension}'), or one .safetensors or .npz"
        )

    def path_of(self, name: str) -> Path:
        """The path of the file of a clip."""
        return Path(self.template.replace(_NAME, name))


@dataclass(frozen=True)
class WrittenFile:
    """A file of heatmaps: its path, the paths of its inputs, and name, shape and type of each volume in it."""

    file: str
    sources: list[str]
    volumes: list[dict[str, Any]]


class OutputPaths:
    """Reserves the paths of output files, so that each is written once, and none is an input.

    Args:
        sources: the inputs.
    """

    def __init__(self, sources: Sequence[KeypointSource]) -> None:
        self._lock = Lock()
        self._inputs = {path.resolve() for source in sources for path in source.paths}
        self._titles: dict[Path, str] = {}

    def reserve(self, path: Path, title: str) -> None:
        """Reserve a path for a clip of a source.

        Raises:
            InputError: it is the path of an input, or already reserved.
        """
        if path.resolve() in self._inputs:
            raise InputError(f"{path} is an input and would be overwritten: give another --output")
        with self._lock:
            if path in self._titles:
                raise InputError(f"a clip of {self._titles[path]} is written to {path} already: give two folders")
            self._titles[path] = title
