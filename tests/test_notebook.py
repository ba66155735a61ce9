"""docs/quickstart.ipynb: it runs, and gives what it shows."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.serving import ROOT

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


def texts(notebook: Any) -> list[str]:
    """What each cell prints, without pictures; a slow machine sends the text of a cell in pieces."""
    cells = [cell.get("outputs", []) for cell in notebook.cells]
    printed = ["".join(each["text"] for each in outputs if each.get("name") == "stdout") for outputs in cells]
    return [text for text in printed if text]


def test_it_is_small_and_has_no_path_of_a_machine():
    text = NOTEBOOK.read_text()
    assert len(text) < 100_000
    assert str(ROOT) not in text
    assert not [
        cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code" and not cell.source
    ]


def test_its_links_lead_somewhere():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    links = [link for text in texts for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    assert len(links) >= 5
    assert [link for link in links if not (NOTEBOOK.parent / link).exists()] == []


@pytest.mark.slow
def test_it_runs_and_prints_what_is_committed():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    committed = texts(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert texts(notebook) == committed
    assert len(committed) >= 5
    assert any("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
