"""What is said where the compiled kernels are missing."""

from __future__ import annotations

import sys
import warnings
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import heatsvc
from heatsvc import kernels, library
from heatsvc.kernels import Kernels, KernelsError

CLIP = {"keypoint": [[[10.0, 20.0, 0.9]]], "img_shape": (48, 40)}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package without compiled kernels, the only one on the path."""
    monkeypatch.setattr(kernels, "compiled", None)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path)])
    monkeypatch.delenv("HEATSVC_KERNELS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heatsvc").mkdir()
    return tmp_path / "heatsvc"


def test_without_a_compiler_the_hint_names_one(installed: Path):
    assert "C++20 compiler" in (Kernels().hint or "")
    with pytest.raises(KernelsError, match="C\\+\\+20 compiler"):
        Kernels().use("native")


def test_where_the_source_hides_the_installed_kernels_the_hint_says_so(installed: Path):
    (installed / f"_native{EXTENSION_SUFFIXES[0]}").touch()
    assert "pip install -e ." in (Kernels().hint or "")
    with pytest.raises(KernelsError, match="source, which hides the installed package"):
        Kernels().use("native")


def test_draw_warns_once_where_auto_found_no_kernels(installed: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(library, "KERNELS", Kernels())
    with pytest.warns(
        UserWarning, match="renders with NumPy, which is many times slower .*: install a C\\+\\+20"
    ) as warned:
        heatsvc.draw(CLIP)
    assert [warning.filename for warning in warned] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heatsvc.draw(CLIP)


def test_draw_does_not_warn_of_reference_kernels_that_were_chosen(installed: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEATSVC_KERNELS", "reference")
    monkeypatch.setattr(library, "KERNELS", Kernels())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heatsvc.draw(CLIP)
