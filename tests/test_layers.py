"""Who may import whom, as docs/architecture.md says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT

PACKAGE = ROOT / "heatsvc"
COMMON = {"bounds", "cancel", "errors"}
MAY_IMPORT = {
    "errors": set(),
    "cancel": set(),
    "bounds": {"errors"},
    "volume": set(),
    "pose": COMMON,
    "pipeline": {"pose", "volume", *COMMON},
    "render": {"volume", *COMMON},
    "encode": {"render", "volume", *COMMON},
    "annotation": {"pose", "pipeline", "volume", "render", "encode", *COMMON},
    "jobs": {"annotation", "settings", *COMMON},
    "library": {"pose", "pipeline", "volume", "render", *COMMON},
    "torch": {"library", "pose", "pipeline", "volume", "render", *COMMON},
    "settings": {"bounds"},
    "logs": set(),
    "api": {"pose", "pipeline", "volume", "render", "encode", "annotation", "jobs", "logs", "settings", *COMMON},
}
WEB = {"fastapi", "starlette", "uvicorn", "pydantic_settings", "prometheus_client"}
BELOW_API = tuple(room for room in MAY_IMPORT if room not in ("settings", "logs", "api"))
LATE = {"numba", "torch", "pose_format", "av", "python_calamine", "matplotlib"}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Modules that a file imports, and whether it does so as soon as it is itself imported."""
    tree = ast.parse(path.read_text())
    inner = {
        node
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types(outer)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            yield node.module, node not in inner
            if node.module == "heatsvc":
                yield from ((f"heatsvc.{alias.name}", node not in inner) for alias in node.names)


def is_for_types(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`, which nothing runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def files(room: str) -> list[Path]:
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def rooms_of(module: str) -> set[str]:
    """The room of a module of the package; none for others, and for the package's own version."""
    first, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return {room} if first == "heatsvc" and room and not room.startswith("__") else set()


def test_every_room_is_known():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found == {*MAY_IMPORT, "__init__", "__main__", "app", "cli"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_what_it_may(room: str):
    for path in files(room):
        for module, _ in imports(path):
            assert rooms_of(module) <= {room, *MAY_IMPORT[room]}, f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("room", BELOW_API)
def test_nothing_below_api_knows_the_web(room: str):
    for path in files(room):
        for module, _ in imports(path):
            assert module.partition(".")[0] not in WEB, f"{path.relative_to(ROOT)} imports {module}"


def test_compiled_loops_use_nothing_of_other_files():
    """numba keeps a loop compiled as long as its own file is the same: one that uses another file would go stale."""
    for path in PACKAGE.rglob("*.py"):
        modules = {module for module, _ in imports(path)}
        if "numba" in modules:
            assert not set().union(*map(rooms_of, modules)), path.relative_to(ROOT)


def test_torch_is_imported_nowhere_at_start():
    """But in the rooms that are there for torch, which nothing imports at its own start."""
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] == "torch":
            continue
        for module, at_once in imports(path):
            assert not (at_once and module.partition(".")[0] == "torch"), path.relative_to(ROOT)
            assert not (at_once and rooms_of(module) == {"torch"}), path.relative_to(ROOT)


def test_the_library_loads_nothing_before_it_is_used():
    code = "import sys, heatsvc; print(*(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not (LATE | WEB | {"numpy", "pydantic", "orjson"}) & set(loaded)


def test_start_loads_nothing_that_is_slow_to_load():
    code = "import sys, heatsvc.app; print(*(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not LATE & set(loaded)
