"""The command `heatsvc`: the table of its subcommands, whose modules are imported when they are used."""

from __future__ import annotations

import difflib
import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

from cyclopts import (
    App,
    CycloptsError,
    Group,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from heatsvc import __version__
from heatsvc.cli.errors import CommandError, UsageError, describe_error
from heatsvc.cli.output import print_error
from heatsvc.cli.stopping import Stopped
from heatsvc.errors import InputError

DONE, FAILED, WRONG_USAGE = 0, 1, 2
# 128 and the number of the signal, as of shells; not every system has the names of the signals.
HUNG_UP, INTERRUPTED, CLOSED_PIPE, TERMINATED = 129, 130, 141, 143

_HEATMAPS, _DATASETS, _CATALOGUE, _SERVICE, _OTHER = (
    Group(name, sort_key=position)
    for position, name in enumerate(("Heatmaps", "Datasets", "Lists", "Service", "Other"), 1)
)


@dataclass(frozen=True)
class Command:
    """A subcommand.

    Attributes:
        name: of the subcommand.
        target: module and function.
        group: in the help.
        help: a sentence, and details after an empty line.
        examples: shell commands that can be run in the root of a clone.
    """

    name: str
    target: str
    group: Group
    help: str
    examples: tuple[str, ...]


COMMANDS = (
    Command(
        "draw",
        "heatsvc.cli.draw:draw",
        _HEATMAPS,
        "Render keypoint files as arrays, pictures or videos.\n\nThe extension of OUT is the format: .npy, .npz, "
        ".safetensors, .json, .png, .gif, .webp, .mp4. A file that cannot be used is reported, the others are written, "
        "and the exit status is 1.",
        (
            "heatsvc draw openapi/examples/clip.npy --img-shape 1080 1920 \\\n"
            "    --select sign27 --pipeline view -o clip.npy",
            "heatsvc draw openapi/examples/annotation.pkl \\\n    --mode joint --skeleton -o 'pictures/{name}.gif'",
        ),
    ),
    Command(
        "view",
        "heatsvc.cli.view:view",
        _HEATMAPS,
        "Play a clip's heatmaps in the terminal.\n\nShows pixels if the terminal supports them (sixel, kitty), "
        "otherwise colored half blocks. Ctrl-C stops it.",
        ("heatsvc view openapi/examples/clip.npy --img-shape 1080 1920 \\\n    --select sign27 --frame 20",),
    ),
    Command(
        "annotate",
        "heatsvc.cli.annotate:annotate",
        _DATASETS,
        "Make an annotation pickle of keypoints, labels and a split.\n\nPYSKL and MMAction2 train on it. Label map, "
        "training configs and report are written to a folder beside it. If the options do not allow a fault, only the "
        "report is written, and the exit status is 1.",
        (
            "KETI=tests/data/keti-mini\n"
            "heatsvc annotate --keypoints $KETI/Keypoints-MMPOSE \\\n"
            "    --labels $KETI/Annotation/*.xlsx --split $KETI/Annotation/split.json \\\n"
            "    --types 단어 --img-shape 1080 1920 --faulty drop -o KETI.pkl",
        ),
    ),
    Command(
        "inspect",
        "heatsvc.cli.inspect:inspect",
        _DATASETS,
        "Show and check an annotation pickle or a file of keypoints.\n\nFor a pickle, shows what is in it, and whether "
        "PYSKL and MMAction2 can train on it. For keypoints, shows the clips, their layouts, and impossible or "
        "doubtful numbers. Nothing in the file is executed. The exit status is 1 if it cannot be used.",
        ("heatsvc inspect openapi/examples/annotation.pkl",),
    ),
    Command(
        "layouts",
        "heatsvc.cli.layouts:layouts",
        _CATALOGUE,
        "List the keypoint layouts, or the points of one.",
        ("heatsvc layouts sign27",),
    ),
    Command(
        "presets",
        "heatsvc.cli.presets:presets",
        _CATALOGUE,
        "List the pipelines that have a name, or the steps of one.",
        ("heatsvc presets posec3d-train",),
    ),
    Command(
        "serve",
        "heatsvc.cli.serve:serve",
        _SERVICE,
        "Run the service.\n\nAll other settings are environment variables: see `heatsvc settings`.",
        ("heatsvc serve --port 8000",),
    ),
    Command(
        "worker",
        "heatsvc.cli.worker:worker",
        _SERVICE,
        "Run a build worker, which builds the datasets that services with the same data directory have received.",
        ("heatsvc worker",),
    ),
    Command(
        "settings",
        "heatsvc.cli.settings:settings",
        _SERVICE,
        "Print the settings as a .env file. The values of keys are left out.",
        ("heatsvc settings > .env",),
    ),
    Command(
        "openapi",
        "heatsvc.cli.openapi:openapi",
        _SERVICE,
        "Print the OpenAPI document of the service.",
        ("heatsvc openapi > openapi.json",),
    ),
    Command(
        "doctor",
        "heatsvc.cli.doctor:doctor",
        _SERVICE,
        "Check the installation, and print the versions for a bug report.\n\nChecks kernels, GPU, extras, settings, "
        "port, data directory and font. The exit status is 1 if something is wrong.",
        ("heatsvc doctor --json",),
    ),
    Command(
        "--install-completion",
        "heatsvc.cli.completion:install_completion",
        _OTHER,
        "Install completion for a shell: commands, options and their choices.",
        ("heatsvc --install-completion --shell fish --output heatsvc.fish",),
    ),
)

EXIT_STATUSES = {
    DONE: "done",
    FAILED: "failed, or not all could be done: a line on standard error says why; `inspect`, `doctor` and "
    "`worker --alive` found something wrong",
    WRONG_USAGE: "wrong arguments or settings; nothing was done",
    HUNG_UP: "ended with its terminal (SIGHUP)",
    INTERRUPTED: "stopped by Ctrl-C (SIGINT)",
    CLOSED_PIPE: "the program that reads the output has closed it (SIGPIPE)",
    TERMINATED: "ended by SIGTERM",
}


_FLAGS = ("--help", "--version", "--install-completion")


def make_app() -> App:
    """Make the cyclopts application."""
    app = App(
        name="heatsvc",
        help="Human keypoints in, Gaussian heatmap volumes out.",
        version=f"heatsvc {__version__}",
        group_commands=_OTHER,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for command in COMMANDS:
        examples = indent("\n".join(command.examples), "    ")
        app.command(
            command.target,
            name=command.name,
            group=command.group,
            help=command.help,
            help_epilogue=f"Example:\n\n{examples}",
        )
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status, one of `EXIT_STATUSES`."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    if os.environ.get("COLUMNS") == "0":  # as some terminals say; in no columns rich breaks lines without end
        del os.environ["COLUMNS"]
    _open_closed_streams()
    name = f"heatsvc {tokens[0]}" if tokens and tokens[0] in (command.name for command in COMMANDS) else "heatsvc"
    try:
        status = make_app()(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return status or (DONE if tokens else WRONG_USAGE)
    except CycloptsError as error:
        return _report(name, f"{_usage_message(error, tokens)} (`{name} --help` lists all)", WRONG_USAGE)
    except UsageError as error:
        return _report(name, str(error), WRONG_USAGE)
    except CommandError as error:
        return _report(name, str(error), FAILED)
    except InputError as error:
        return _report(name, describe_error(error, {}), FAILED)
    except Stopped as stopped:
        return 128 + stopped.number
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return CLOSED_PIPE
    except OSError as error:
        if error.errno == errno.EBADF:
            _drop_output()
        place = f"{error.filename}: " if error.filename else ""
        return _report(name, f"{place}{error.strerror or error}", FAILED)


def _open_closed_streams() -> None:
    """Open standard streams that were closed (``<&-``): no other file may get their numbers.

    Input is empty. Output cannot be written, so that nobody takes it for done; errors are dropped.
    """
    streams = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))
    for name, flags, mode in streams:
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


def _drop_output() -> None:
    """Let the interpreter's own flush at exit succeed (Python's documentation, "Note on SIGPIPE")."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(name: str, message: str, status: int) -> int:
    print_error(name, message)
    return status


def _usage_message(error: CycloptsError, tokens: Sequence[str]) -> str:
    """A line that says what is wrong with the arguments."""
    match error:
        case UnknownCommandError():
            names = [command.name for command in COMMANDS if not command.name.startswith("-")]
            close = difflib.get_close_matches(tokens[0], (*names, *_FLAGS), 1)
            guess = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
            return f"there is no command {tokens[0]!r:.60}: {guess}"
        case MissingArgumentError() if error.argument is not None:
            count, _ = error.argument.token_count()
            typed = error.keyword or (error.argument.tokens[-1].keyword if error.argument.tokens else None)
            if typed is None:
                return f"{error.argument.name} is missing"
            metavar = error.argument.parameter.metavar or ("a value" if count == 1 else f"{count} values")
            return f"{typed} needs {metavar}{', with spaces between them' if count > 1 else ''}"
        case UnusedCliTokensError() if error.unused_tokens:
            return f"{error.unused_tokens[0]!r:.60} belongs to no option"
        case UnknownOptionError():
            text = str(error)
            return text[:1].lower() + text[1:].removesuffix(".")
    text = " ".join(str(error).split())
    return text[:1].lower() + text[1:].removesuffix(".")
