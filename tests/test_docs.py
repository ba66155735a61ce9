"""README and docs: their tables are the code's, their links lead somewhere, their blocks run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from heatsvc.render.tensors import check_pytorch
from tests.documentation import PAGES, Block, blocks_of, printed, run, run_python, run_shell, text_of
from tests.serving import ROOT, has, served

SERVICE = "http://127.0.0.1:8000"
TOOLS = ("curl", "zstd")
EXAMPLE = "letters.pkl"
CLIENT = "heatsvc_client"
CLIPS = ROOT / "benchmarks" / "peers" / ".spoken" / "installed"
TUTORIAL = "docs/tutorial.md"
# Pages whose blocks are run one after the other, and pages whose blocks are those of another page.
IN_ORDER = {TUTORIAL}
TRANSLATIONS = {"README.ko.md": "README.md", "docs/ko/index.md": "docs/index.md", "docs/ko/tutorial.md": TUTORIAL}
ALL_BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def blocks(language: str) -> list[Any]:
    """The blocks of a language that run by themselves, named by page and number."""
    return [
        pytest.param(block, id=f"{block.page}-{block.number}")
        for block in ALL_BLOCKS
        if block.language == language and block.page not in IN_ORDER | TRANSLATIONS.keys() and runs_here(block)
    ]


def runs_here(block: Block) -> bool:
    """Those of the training example have a test of their own."""
    needed = (tool for tool in TOOLS if re.search(rf"^{tool}\b", block.text, re.MULTILINE))
    return block.runs and EXAMPLE not in block.text and has(*needed)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("service")) as port:
        yield port


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks to a block like the clone's root, and may be written to."""
    for folder in ("benchmarks", "openapi", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell_block_runs(block: Block, root: Path, port: int):
    assert any(command in block.text for command in ("curl ", "heatsvc ", "openapi-python-client "))
    text = block.text.replace(SERVICE, f"http://127.0.0.1:{port}").replace("curl ", "curl --silent ")
    run_shell(replace(block, text=text), root)
    for name in set(re.findall(r"-o (\w+\.\w+)", block.text)):
        assert (root / name).stat().st_size > 0
        if name.endswith(".npy"):
            assert np.load(root / name).max() > 0


@pytest.mark.parametrize("block", blocks("python"))
def test_python_block_runs(block: Block, root: Path, port: int):
    """And prints what its comments say."""
    if CLIENT in block.text:
        [generate] = [other for other in ALL_BLOCKS if other.language == "sh" and CLIENT in other.text]
        run_shell(generate, root)
    assert printed(block)
    run_python(replace(block, text=block.text.replace(SERVICE, f"http://127.0.0.1:{port}")), root)


def test_tutorial_runs_from_start_to_end(root: Path):
    """Each block after the one before it, in one folder; what the page shows as output is in the output."""
    output = ""
    for block in blocks_of(TUTORIAL):
        if block.language == "sh" and block.runs:
            output = run_shell(block, root)
        elif block.language == "python":
            output = run_python(block, root)
        elif block.language == "text" and not block.note:
            assert set(map(str.strip, block.text.splitlines())) <= set(map(str.strip, output.splitlines()))
    assert (root / "clip.gif").read_bytes() == (ROOT / "docs/images/keti.gif").read_bytes()
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", output)]
    assert len(losses) == 5
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("page", TRANSLATIONS)
def test_translations_have_the_same_commands_and_figures(page: str):
    """Blocks are equal, and so are the figures with a decimal point or three digits and more."""
    original = TRANSLATIONS[page]
    assert [(block.language, block.text, block.note) for block in blocks_of(page)] == [
        (block.language, block.text, block.note) for block in blocks_of(original)
    ]
    assert figures(page) == figures(original)


def figures(page: str) -> set[str]:
    return set(re.findall(r"\d+(?:[.,]\d+)+|\d{3,}|\d+e-\d+", text_of(page)))


def test_every_block_that_does_not_run_says_why():
    for block in ALL_BLOCKS:
        if block.language in ("sh", "python") and not block.runs:
            assert len(block.note) > len("not run: "), block


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_speed_is_that_of_the_benchmarks(page: str):
    row = r"\| b \| 64 clips in JSON, keypoints, clips per second \| ([\d,]+) \| ([\d,]+) \|"
    [(here, peer)] = re.findall(row, text_of("benchmarks/README.md"))
    assert f"**{here} clips per second on one core, over HTTP.** MMAction2 renders {peer} of" in text_of(page)


@pytest.mark.parametrize("page", PAGES)
def test_curl_lines_fail_where_the_service_does(page: str):
    """Otherwise curl exits with 0, and the problem document looks like the result."""
    for block in blocks_of(page):
        for command in re.findall(r"\bcurl [^\n]*", block.text.replace("\\\n", " ")):
            assert "--fail-with-body" in command


def test_a_clone_is_installed_so_that_python_in_it_has_the_kernels():
    """Python in the clone's root imports the source there, which only `-e` gives compiled kernels."""
    commands = [
        line
        for page in PAGES
        for line in text_of(page).splitlines()
        if re.search(r"pip install -c constraints\.txt", line) and "requirements" not in line
    ]
    assert len(commands) >= 6
    assert [line for line in commands if "constraints.txt -e " not in line] == []


def test_docs_and_messages_install_pytorch_by_one_command(monkeypatch: pytest.MonkeyPatch):
    command = "pip install 'heatsvc[torch]'"
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(command)):
        check_pytorch()
    named = {page: re.findall(r"pip install \S*heatsvc\[torch\]\S*?(?=`)", text_of(page)) for page in PAGES}
    assert {page for page, commands in named.items() if commands} == {
        "docs/guides/gpu.md",
        "docs/guides/python.md",
        "docs/guides/training.md",
    }
    assert {name for commands in named.values() for name in commands} == {command}


if CLIPS.exists() or "HEATSVC_TEST_ALL" in os.environ:

    @pytest.mark.slow
    def test_the_training_example_learns(root: Path):
        """The network knows its letters far better than chance, and better than it did at first."""
        assert CLIPS.exists(), "the clips are not installed: run benchmarks/peers/install_spoken.sh"
        [dataset] = [block for block in ALL_BLOCKS if block.language == "sh" and EXAMPLE in block.text]
        [training] = [block for block in ALL_BLOCKS if block.language == "python" and EXAMPLE in block.text]
        run_shell(dataset, root)
        done = run([sys.executable, "-c", training.text], root)
        assert done.returncode == 0, done.stderr
        epochs = re.findall(r"loss ([\d.]+), (\d+)% right", done.stdout)
        assert len(epochs) == 8
        assert float(epochs[-1][0]) < float(epochs[0][0]) / 2, done.stdout
        assert int(epochs[-1][1]) > 30, done.stdout


if has("chromium"):

    @pytest.mark.slow
    @pytest.mark.parametrize("block", blocks("js"))
    def test_browser_block_runs(block: Block, port: int):
        code = block.text.replace(SERVICE, f"http://127.0.0.1:{port}")
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


def requirements() -> list[str]:
    """Names of the packages that the service, its development and its documentation need, in this order."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["dev"], *extras["docs"]]
    return [re.match(r"[\w.-]+", requirement)[0] for requirement in needed]


def test_every_dependency_is_explained():
    page = text_of("docs/explanation/dependencies.md")
    assert re.findall(r"^\| `([\w.-]+)` \|", page, re.MULTILINE) == requirements()


def test_every_dependency_is_pinned():
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in text_of("constraints.txt").splitlines()}
    assert set(requirements()) <= pinned


def test_json_blocks_are_json():
    for block in ALL_BLOCKS:
        if block.language == "json":
            json.loads(block.text)


def test_pictures_are_those_of_make_pictures_and_small():
    made = load_script("make_images").PICTURES
    files = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert set(made) <= set(files)
    assert sum(files[name] for name in made) < 1_000_000
