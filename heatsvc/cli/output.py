"""What commands print: JSON and text on standard output, progress on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.progress import Progress

Json = Annotated[bool, Parameter(name="--json", negative=(), show_default=False, help="Print JSON, for programs.")]
"""The option of the commands that print data."""


def print_json(document: Any) -> None:
    """A document, indented, on standard output."""
    import orjson

    sys.stdout.flush()
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    sys.stdout.buffer.write(orjson.dumps(document, option=options) + b"\n")


def print_error(command: str, message: str) -> None:
    """A line on standard error."""
    print(f"{command}: {printable(message)}", file=sys.stderr)


def printable(text: str) -> str:
    """Text without control characters, which a terminal would obey: names of files may have them."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def progress_bar() -> Progress:
    """A bar on standard error that is gone when the work is done; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
