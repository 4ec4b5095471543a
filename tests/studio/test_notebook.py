"""The notebook among the examples: all of it is run, and what is stored of it is short."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "studio.ipynb"


def test_it_has_five_cells_of_code_and_keeps_no_results() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) == 5
    assert not any(cell.outputs or cell.execution_count for cell in cells)


@pytest.mark.slow
def test_it_learns_applies_and_draws_a_strip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    learned, _, face, strip = (cell.outputs for cell in notebook.cells[3:] if cell.cell_type == "code")
    assert "grin, " in "".join(output.get("text", "") for output in learned)
    (face,), (strip,) = (
        [base64.b64decode(output.data["image/png"]) for output in outputs if "data" in output]
        for outputs in (face, strip)
    )
    width, height = Image.open(io.BytesIO(face)).size
    across, down = Image.open(io.BytesIO(strip)).size
    assert across > 4 * down
    assert width == height
    if folder := os.environ.get("ATTRBANK_SCREENS"):
        (Path(folder) / "notebook-strip.png").write_bytes(strip)
