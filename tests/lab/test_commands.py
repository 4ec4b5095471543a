"""Whatever in the laboratory is meant to be run says how."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
COMMANDS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "lab").rglob("*.py"))
    if "__main__" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_what_it_takes(command: str) -> None:
    app = typer.Typer()
    app.command()(import_module(command).main)
    result = CliRunner().invoke(app, ["--help"])
    assert (result.exit_code, result.exception) == (0, None)
    assert "Usage" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_its_docstring_names_it(command: str) -> None:
    assert f"python -m {command}" in str(import_module(command).__doc__)
