"""`heatsvc inspect`: the contents of an annotation pickle, and whether PYSKL and MMAction2 can read it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

# Larger than the server's, since the file is the user's own: KETI has two million objects and 0.6 GB.
_OBJECTS = 200_000_000
_BYTES = 64 << 30
_CLIPS = 10_000_000


def add_inspect(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "inspect",
        help="show and check an annotation pickle",
        description="Show what is in an annotation pickle and check it against what PYSKL and MMAction2 expect. "
        "Nothing in it is executed. Exits with status 1 where a reader would fail.",
    )
    parser.add_argument("pickle", type=Path, metavar="FILE", help="the pickle, such as KETI.pkl")
    parser.set_defaults(run=_inspect)


def _inspect(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from heatsvc.annotation.inspection.inspection import inspect_pickle
    from heatsvc.annotation.inspection.text import inspection_text
    from heatsvc.bounds import DEFAULT_BOUNDS
    from heatsvc.errors import InputError, LimitError

    wide = replace(
        DEFAULT_BOUNDS, max_pickle_objects=_OBJECTS, max_unpacked_bytes=_BYTES, max_clips=_CLIPS, max_frames=_CLIPS
    )
    try:
        inspection = inspect_pickle(parsed.pickle, wide)
    except InputError as error:
        # A limit is this command's own, which no setting changes.
        detail = f"{error.reason} (limit {error.limit:,})" if isinstance(error, LimitError) else error.detail
        print(f"heatsvc inspect: {detail}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"heatsvc inspect: {parsed.pickle}: {error.strerror or error}", file=sys.stderr)
        return 1
    Console().print(inspection_text(inspection))
    return 0 if inspection.usable else 1
