"""The pages of the documentation, and the code blocks in them.

A comment before a block says what is special about it: `<!-- not run: REASON -->`, `<!-- exits with N -->`,
`<!-- not compared: REASON -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.serving import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "openapi/examples/*.md", "benchmarks/*.md", "tests/data/*.md")
    for path in ROOT.glob(pattern)
)
_BLOCK = re.compile(r"^(?:<!-- (?P<note>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the page that it is on, relative to the repository's root.
        number: which of the page's blocks of its language it is, from 1 on.
        language: what is written after the fence.
        text: what is in it.
        note: the comment before it, or "".
    """

    page: str
    number: int
    language: str
    text: str
    note: str

    @property
    def runs(self) -> bool:
        return not self.note.startswith("not run: ")

    @property
    def exit_status(self) -> int:
        return int(self.note.removeprefix("exits with ")) if self.note.startswith("exits with ") else 0


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in their order."""
    found: list[Block] = []
    for match in _BLOCK.finditer(text_of(page)):
        number = 1 + sum(block.language == match["language"] for block in found)
        found.append(Block(page, number, match["language"], match["text"], match["note"] or ""))
    return found


def run(command: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of a block in a folder, with the commands of the environment that the tests run in."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def run_shell(block: Block, root: Path) -> str:
    """Run a block in bash; returns what it wrote to standard output."""
    done = run(["bash", "-euc", block.text], root)
    assert done.returncode == block.exit_status, done.stdout + done.stderr
    return done.stdout


def run_python(block: Block, root: Path) -> str:
    """Run a block in Python, and check that it prints what its comments say; returns what it printed."""
    done = run([sys.executable, "-c", block.text], root)
    assert done.returncode == 0, done.stderr
    assert set(printed(block)) <= set(done.stdout.splitlines()), done.stdout
    return done.stdout


def printed(block: Block) -> list[str]:
    """What a Python block prints, by the comments behind its calls of print."""
    return re.findall(r"print\(.*\)  # (.+)", block.text)
