"""Output of commands: JSON on standard output, errors and progress on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.progress import Progress

Json = Annotated[bool, Parameter(name="--json", negative=(), show_default=False, help="Print JSON, for programs.")]
"""The type of the option --json."""


def print_json(document: Any) -> None:
    """Print a JSON document on standard output."""
    import orjson

    sys.stdout.flush()
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    try:
        text = orjson.dumps(document, option=options)
    except TypeError:  # the name of a file that is not UTF-8, which Python has as lone surrogates
        text = json.dumps(document, indent=2).encode()
    sys.stdout.buffer.write(text + b"\n")


def print_error(command: str, message: str) -> None:
    """Print a line on standard error."""
    print(f"{command}: {printable(message)}", file=sys.stderr)


def printable(text: str) -> str:
    """Replace control characters, which file names may contain, and which a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def progress_bar() -> Progress:
    """A progress bar on standard error, which disappears at the end. Shows nothing if standard error is no terminal."""
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
