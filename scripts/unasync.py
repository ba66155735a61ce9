"""Write heatsvc/client/synchronous/ from heatsvc/client/asynchronous/; `--check` only compares.

Names and keywords are replaced line by line, in docstrings too: `await client.heatmap(...)` becomes
`client.heatmap(...)`. Then ruff sorts the imports and formats the lines.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "heatsvc" / "client"
HEADER = "# Made from heatsvc/client/asynchronous/{name} by `make client`.\n"
RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\basync (def|with|for)\b", r"\1"),
        (r"\bawait ", ""),
        (r"\basync \(", "("),
        (r"\bAsync([A-Z]\w*)", r"\1"),
        (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
        (r"\ba(close|iter_raw|iter_bytes|closing)\b", r"\1"),
        (r"\basynccontextmanager\b", "contextmanager"),
        (r"_async\b", ""),
        (r"\basynchronous\b", "synchronous"),
        (r"for asyncio\b", "for threads"),
    )
]


def main() -> None:
    """Write all files, or compare them and exit with 1 if one differs."""
    parser = argparse.ArgumentParser(description="Make the synchronous client from the asynchronous one.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check = parser.parse_args().check
    stale = []
    for source in sorted((FOLDER / "asynchronous").glob("*.py")):
        target = FOLDER / "synchronous" / source.name
        text = formatted(to_synchronous(source), target)
        if not target.exists() or target.read_text() != text:
            stale.append(target.name)
            if not check:
                target.write_text(text)
    known = {source.name for source in (FOLDER / "asynchronous").glob("*.py")}
    stale += [target.name for target in (FOLDER / "synchronous").glob("*.py") if target.name not in known]
    if check and stale:
        sys.exit(f"heatsvc/client/synchronous/ is out of date ({', '.join(stale)}): run `make client`")


def to_synchronous(source: Path) -> str:
    """The text of a file for the synchronous client."""
    text = source.read_text()
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    docstring, _, rest = text.partition("\n")
    return f"{docstring}\n\n{HEADER.format(name=source.name)}{rest.removeprefix(chr(10))}"


def formatted(text: str, path: Path) -> str:
    """The text with sorted imports, formatted by ruff."""
    for command in (["check", "--select", "I", "--fix", "-q"], ["format", "-q"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    main()
