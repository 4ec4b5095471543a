"""The tables of the documents are what was measured, and their codes what the errors have."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import (
    AttrbankError,
    BankBusyError,
    CorruptArtifactError,
    IncompatibleError,
    InvalidValueError,
    NotFoundError,
    NumericError,
    PartialError,
    PluginError,
    StorageError,
)
from lab.readme import PAGES, TABLES, places, rewritten

ROOT = Path(__file__).parents[2]


def test_the_tutorial_is_the_packages_file() -> None:
    package = ROOT / "plugins" / "attrbank-example-sampler"
    code = (package / "attrbank_example_sampler.py").read_text(encoding="utf-8")
    assert f"```python\n{code}```" in (package / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_tables_are_what_was_measured(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert rewritten(text, ROOT / "docs") == text


def test_every_table_that_was_measured_has_its_place() -> None:
    measured = {name for name, table in TABLES.items() if all((ROOT / "docs" / file).exists() for file in table.files)}
    assert measured <= {name for page in PAGES for name in places((ROOT / page).read_text(encoding="utf-8"))}


@pytest.mark.parametrize(
    "error",
    [
        AttrbankError,
        NotFoundError,
        InvalidValueError,
        CorruptArtifactError,
        BankBusyError,
        StorageError,
        IncompatibleError,
        PluginError,
        NumericError,
        PartialError,
    ],
)
def test_every_exit_code_is_documented(error: type[AttrbankError]) -> None:
    codes = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
    assert f"| {error.exit_code} |" in codes
