"""Which package imports which, as in docs/architecture.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT

PACKAGE = ROOT / "heatsvc"
COMMON = {"bounds", "cancel", "child", "errors", "kernels"}
MAY_IMPORT = {
    "errors": set(),
    "cancel": set(),
    "kernels": set(),
    "bounds": {"errors"},
    "child": {"cancel", "errors"},
    "volume": set(),
    "pose": COMMON,
    "pipeline": {"pose", "volume", *COMMON},
    "render": {"volume", *COMMON},
    "encode": {"_native", "render", "volume", *COMMON},
    "annotation": {"pose", "pipeline", "volume", "render", "encode", *COMMON},
    "jobs": {"annotation", "settings", *COMMON},
    "library": {"pose", "pipeline", "volume", "render", "encode", *COMMON},
    "client": {"pose", "render"},
    "torch": {"library", "pose", "pipeline", "volume", "render", *COMMON},
    "settings": {"bounds"},
    "logs": set(),
    "api": {"pose", "pipeline", "volume", "render", "encode", "annotation", "jobs", "logs", "settings", *COMMON},
    "web": {"api"},
}
WEB = {"fastapi", "starlette", "uvicorn", "pydantic_settings", "prometheus_client"}
BELOW_API = tuple(package for package in MAY_IMPORT if package not in ("settings", "logs", "api", "web"))
LATE = {"torch", "pose_format", "av", "PIL", "cmap", "python_calamine", "matplotlib", "h5py", "arro3"}


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


def files(package: str) -> list[Path]:
    folder = PACKAGE / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def packages_of(module: str) -> set[str]:
    """The package of a module of the package; none for others, the package's own version and the compiled kernels."""
    first, _, rest = module.partition(".")
    package = rest.partition(".")[0]
    return {package} if first == "heatsvc" and package and not package.startswith("_") else set()


def test_every_package_is_listed():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found == {*MAY_IMPORT, "__init__", "__main__", "app", "cli"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_below_it(package: str):
    for path in files(package):
        for module, _ in imports(path):
            assert packages_of(module) <= {package, *MAY_IMPORT[package]}, f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("package", BELOW_API)
def test_nothing_below_api_knows_the_web(package: str):
    for path in files(package):
        for module, _ in imports(path):
            assert module.partition(".")[0] not in WEB, f"{path.relative_to(ROOT)} imports {module}"


def test_torch_is_imported_nowhere_at_start():
    """But in the packages for torch, which nothing imports at its own start."""
    folders = ("torch", "encode/cuda")
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix().startswith(folders):
            continue
        for module, at_once in imports(path):
            late = module.startswith(("torch", "heatsvc.torch", "heatsvc.encode.cuda"))
            assert not (at_once and late), path.relative_to(ROOT)


def test_the_library_loads_nothing_before_it_is_used():
    code = "import sys, heatsvc; print(*(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not (LATE | WEB | {"numpy", "pydantic", "orjson"}) & set(loaded)


def test_the_client_loads_neither_the_service_nor_kernels_nor_torch():
    code = "import sys, heatsvc.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "heatsvc.client.synchronous.client" in loaded
    assert not (LATE | WEB | {"pydantic", "rich", "structlog"}) & set(loaded)
    assert {name.split(".")[1] for name in loaded if name.startswith("heatsvc.")} == {"client"}


def test_start_loads_nothing_that_is_slow_to_load():
    code = "import sys, heatsvc.app; print(*(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not LATE & set(loaded)
