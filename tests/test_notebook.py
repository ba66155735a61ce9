"""docs/quickstart.ipynb: it runs, and gives what it shows."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.serving import ROOT

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


def texts(notebook: Any) -> list[str]:
    """What the cells print, without pictures."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["text"] for output in outputs if output.get("name") == "stdout"]


def test_it_is_small_and_has_no_path_of_a_machine():
    text = NOTEBOOK.read_text()
    assert len(text) < 100_000
    assert str(ROOT) not in text
    assert not [
        cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code" and not cell.source
    ]


@pytest.mark.slow
def test_it_runs_and_prints_what_is_committed():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    committed = texts(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert texts(notebook) == committed
    assert len(committed) >= 5
    assert any("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
