"""README and docs: their tables are the code's, their links lead somewhere, their snippets run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from heatsvc.render.tensors import check_pytorch
from tests.serving import ROOT, has, served

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "openapi/examples/*.md", "benchmarks/*.md", "tests/data/*.md")
    for path in ROOT.glob(pattern)
)
SERVICE = "http://127.0.0.1:8000"
TOOLS = ("curl", "zstd")
EXAMPLE = "letters.pkl"
CLIENT = "heatsvc_client"
CLIPS = ROOT / "benchmarks" / "peers" / ".spoken" / "installed"


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def snippets(language: str) -> list[Any]:
    """The fenced blocks of a language of all pages, named by page and number."""
    found = []
    for page in PAGES:
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)
        found += [pytest.param(block, id=f"{page}-{number}") for number, block in enumerate(blocks, start=1)]
    return found


def run_script(script: str, root: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", script], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def runs_here(block: str) -> bool:
    """Those of the training example have a test of their own."""
    return EXAMPLE not in block and has(*(tool for tool in TOOLS if re.search(rf"^{tool}\b", block, re.MULTILINE)))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("service")) as port:
        yield port


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks to a snippet like the clone's root, and may be written to."""
    for folder in ("benchmarks", "openapi", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


@pytest.mark.parametrize("block", [snippet for snippet in snippets("sh") if runs_here(snippet.values[0])])
def test_shell_snippet_runs(block: str, root: Path, port: int):
    assert any(command in block for command in ("curl ", "heatsvc ", "openapi-python-client "))
    run_script(block.replace(SERVICE, f"http://127.0.0.1:{port}").replace("curl ", "curl --silent "), root)
    for name in set(re.findall(r"-o (\w+\.\w+)", block)):
        assert (root / name).stat().st_size > 0
        if name.endswith(".npy"):
            assert np.load(root / name).max() > 0


@pytest.mark.parametrize("block", [snippet for snippet in snippets("python") if runs_here(snippet.values[0])])
def test_python_snippet_runs(block: str, root: Path, port: int):
    """And prints what its comments say."""
    if CLIENT in block:
        [generate] = [snippet.values[0] for snippet in snippets("sh") if CLIENT in snippet.values[0]]
        run_script(generate, root)
    code = block.replace(SERVICE, f"http://127.0.0.1:{port}")
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = re.findall(r"print\(.*\)  # (.+)", block)
    assert said
    assert set(said) <= set(done.stdout.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_curl_lines_fail_where_the_service_does(page: str):
    """Otherwise curl exits with 0, and the problem document looks like the result."""
    for block in re.findall(r"^```\w+\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL):
        for command in re.findall(r"\bcurl [^\n]*", block.replace("\\\n", " ")):
            assert "--fail-with-body" in command


def test_docs_and_messages_install_pytorch_by_one_command(monkeypatch: pytest.MonkeyPatch):
    command = "pip install 'heatsvc[torch]'"
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(command)):
        check_pytorch()
    named = {page: re.findall(r"pip install \S*\[torch\]\S*?(?=`)", text_of(page)) for page in PAGES}
    assert {page for page, commands in named.items() if commands} == {"docs/deployment.md", "docs/library.md"}
    assert {name for commands in named.values() for name in commands} == {command}


if CLIPS.exists() or "HEATSVC_TEST_ALL" in os.environ:

    @pytest.mark.slow
    def test_the_training_example_learns(root: Path):
        """The network knows its letters far better than chance, and better than it did at first."""
        assert CLIPS.exists(), "the clips are not installed: run benchmarks/peers/install_spoken.sh"
        [dataset] = [snippet.values[0] for snippet in snippets("sh") if EXAMPLE in snippet.values[0]]
        [training] = [snippet.values[0] for snippet in snippets("python") if EXAMPLE in snippet.values[0]]
        run_script(dataset, root)
        done = subprocess.run([sys.executable, "-c", training], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        epochs = re.findall(r"loss ([\d.]+), (\d+)% right", done.stdout)
        assert len(epochs) == 8
        assert float(epochs[-1][0]) < float(epochs[0][0]) / 2, done.stdout
        assert int(epochs[-1][1]) > 30, done.stdout


if has("chromium"):

    @pytest.mark.slow
    @pytest.mark.parametrize("block", snippets("js"))
    def test_browser_snippet_runs(block: str, port: int):
        code = block.replace(SERVICE, f"http://127.0.0.1:{port}")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/health/live")
            shape, numbers, largest = page.evaluate(
                f"async () => {{ {code}; return [shape, imgs.length, Math.max(...imgs)]; }}"
            )
            browser.close()
        assert shape == [1, 64, 64]
        assert numbers == 64 * 64
        assert 0.5 < largest <= 1


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_somewhere(page: str):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" not in target and not target.startswith("#"):
            assert (ROOT / page).parent.joinpath(target.partition("#")[0]).exists(), target


def load_script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def make_tables() -> ModuleType:
    return load_script("make_tables")


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_tables_are_up_to_date(page: str, make_tables: ModuleType):
    """Where this fails `make openapi` has to be run."""
    assert make_tables.fill(text_of(page)) == text_of(page)


def test_every_dependency_is_explained():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.match(r"[\w.-]+", requirement)[0] for requirement in requirements]
    assert re.findall(r"^\| `([\w.-]+)` \|", text_of("docs/dependencies.md"), re.MULTILINE) == names


def test_every_dependency_is_pinned():
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in text_of("constraints.txt").splitlines()}
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert re.match(r"[\w.-]+", requirement)[0] in pinned


def test_json_blocks_are_json():
    for snippet in snippets("json"):
        json.loads(snippet.values[0])


def test_pictures_are_those_of_make_pictures_and_small():
    made = load_script("make_images").PICTURES
    files = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert set(made) <= set(files)
    assert sum(files[name] for name in made) < 1_000_000
