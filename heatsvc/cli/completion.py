"""`heatsvc --install-completion`: complete the command in a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from heatsvc.cli.errors import UsageError

Shell = Literal["bash", "zsh", "fish", "powershell"]


def install_completion(
    *,
    shell: Annotated[
        Shell | None, Parameter(choices=get_args(Shell), help="By default the one that is in use.")
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(
            name=("--output", "-o"),
            help="The file to write. By default the one that the shell reads, which is also named in its startup file.",
        ),
    ] = None,
) -> None:
    """Install the completion for a shell."""
    from cyclopts.completion.detect import ShellDetectionError

    from heatsvc.cli.main import make_app

    try:
        path = make_app().install_completion(shell=shell, output=output, add_to_startup=output is None)
    except ShellDetectionError:
        raise UsageError("the shell in use is not known: give --shell bash, zsh, fish or powershell") from None
    print(f"{path} is written: start the shell again to use it")
