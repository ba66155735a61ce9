"""The wheel and the sdist: what is in them, and that an installed wheel has types."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import heatsvc
from tests.serving import ROOT

# The types of the first two are known; the third line is an error.
PROBE = """
import heatsvc
reveal_type(heatsvc.read("clip.npy"))
reveal_type(heatsvc.__version__)
heatsvc.draw("clip.npy", pipelin="view")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel without kernels, which takes seconds."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check")
    subprocess.run((*pip, "--config-settings=wheel.cmake=false", "-w", str(folder), str(ROOT)), check=True)
    [path] = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = message_from_bytes(archive.read(f"heatsvc-{heatsvc.__version__}.dist-info/METADATA"))
    tracked = subprocess.run(
        ("git", "ls-files", "heatsvc"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {name for name in names if ".dist-info/" not in name} == set(tracked)
    assert {"heatsvc/py.typed", "heatsvc/web/static/index.html", "heatsvc/web/static/sample.npz"} <= names
    licenses = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license-files"]
    assert {f"heatsvc-{heatsvc.__version__}.dist-info/licenses/{name}" for name in licenses} <= names
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_payload().startswith("# heatsvc\n")


@pytest.mark.slow
def test_mypy_sees_the_types_of_an_installed_wheel(wheel: Path, tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=False)
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (tmp_path / "probe.py").write_text(PROBE)
    mypy = (sys.executable, "-m", "mypy", "--python-executable", str(tmp_path / "venv/bin/python"), "probe.py")
    said = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "list[heatsvc.pose.clip.PoseClip]"' in said.replace("builtins.", "")
    assert 'Revealed type is "str"' in said.replace("builtins.", "")
    assert 'Unexpected keyword argument "pipelin" for "draw"' in said


@pytest.mark.slow
def test_the_sdist_builds_and_holds_no_tests(tmp_path: Path):
    """Its wheel is built of what it holds alone."""
    subprocess.run((sys.executable, "-m", "build", "--sdist", "--outdir", str(tmp_path), str(ROOT)), check=True)
    [path] = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    assert {name.partition("/")[0] for name in names} == {
        "CHANGELOG.md",
        "CITATION.cff",
        "CMakeLists.txt",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "heatsvc",
        "pyproject.toml",
        "src",
    }
    assert not {name for name in names if name.endswith((".so", ".pyc"))}
    [unpacked] = (each for each in tmp_path.iterdir() if each.is_dir())
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check")
    subprocess.run((*pip, "--config-settings=wheel.cmake=false", "-w", str(tmp_path), str(unpacked)), check=True)
    assert len(list(tmp_path.glob("*.whl"))) == 1
