"""The documentation site: it is built without a network, and its links and anchors lead somewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.documentation import PAGES
from tests.serving import ROOT

ZENSICAL = Path(sys.executable).with_name("zensical")
# What a page loads; other links are for people to follow.
LOADING = {("script", "src"), ("img", "src"), ("source", "src"), ("link", "href"), ("iframe", "src")}


class Page(HTMLParser):
    """What a page links to, what it loads, and what can be linked to.

    Attributes:
        links: targets of links.
        loaded: addresses of scripts, styles and pictures.
        anchors: ids.
        language: of the page.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.language = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        if tag == "html":
            self.language = named["lang"]
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        self.anchors |= {named[name] for name in ("id", "name") if name in named}
        self.loaded += [named[name] for kind, name in LOADING if tag == kind and name in named]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy of the sources by a process that has no network where the system can arrange that."""
    root = tmp_path_factory.mktemp("clone")
    for name in ("docs", "heatsvc"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(ROOT / "zensical.toml", root)
    done = subprocess.run(
        [*without_network(), str(ZENSICAL), "build", "--strict"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "griffe" not in done.stdout + done.stderr  # docstrings describe the parameters that there are
    return root / "site"


def without_network() -> list[str]:
    """The beginning of a command that has no network interface, or nothing where namespaces are not allowed."""
    unshare = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], check=False).returncode != 0:
        return []
    return unshare


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_page_of_docs_is_on_the_site_and_in_its_navigation(site: Path):
    def targets(entry: object) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        for inner in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            yield from targets(inner)

    sources = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    assert set(targets(navigation)) == sources
    for source in sources:
        assert (site / source).with_suffix(".html").is_file()


def test_links_and_anchors_lead_somewhere(site: Path, pages: dict[Path, Page]):
    wrong = []
    for path, page in pages.items():
        for link in {*page.links, *page.loaded}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":  # the theme's page, whose links are absolute
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            found = target.is_relative_to(site) and target.is_file()
            if found and parts.fragment and target in pages:
                found = unquote(parts.fragment) in pages[target].anchors
            if not found:
                wrong.append(f"{path.relative_to(site)}: {link}")
    assert wrong == []


def test_pages_load_nothing_from_other_hosts(site: Path, pages: dict[Path, Page]):
    for page in pages.values():
        assert [address for address in page.loaded if urlsplit(address).netloc] == []
    for style in site.rglob("*.css"):
        text = style.read_text()
        assert "url(http" not in text
        assert "@import" not in text


def test_only_pages_and_what_they_show_are_on_the_site(site: Path):
    kinds = {path.suffix for path in site.rglob("*") if path.is_file() and "assets" not in path.parts}
    assert kinds == {".html", ".gif", ".inv", ".json", ".mp4", ".png", ".webp", ".xml"}


def test_korean_pages_are_in_korean(site: Path, pages: dict[Path, Page]):
    for path, page in pages.items():
        assert page.language == ("ko" if path.is_relative_to(site / "ko") else "en")


def test_the_reference_has_the_docstrings(site: Path):
    text = (site / "reference" / "python.html").read_text()
    for name in ("heatsvc.draw", "heatsvc.torch.HeatmapDataset", "heatsvc.errors.InputError"):
        assert f'id="{name}"' in text
    assert "a list of steps pasted from a PYSKL or MMAction2 config" in text
