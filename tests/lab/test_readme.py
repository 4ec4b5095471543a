"""The README says what is so."""

from __future__ import annotations

import re
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
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tutorial_in_the_readme_is_the_packages_file() -> None:
    file = ROOT / "plugins" / "attrbank-example-sampler" / "attrbank_example_sampler.py"
    assert file.read_text(encoding="utf-8").strip() in README


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_tables_are_what_was_measured(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert rewritten(text, ROOT / "docs") == text


def test_every_table_that_was_measured_has_its_place() -> None:
    measured = {name for name, table in TABLES.items() if (ROOT / "docs" / table.file).exists()}
    assert measured <= {name for page in PAGES for name in places((ROOT / page).read_text(encoding="utf-8"))}


def test_every_file_and_picture_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


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
    codes = README.partition("## Exit codes")[2].partition("##")[0]
    assert re.search(rf"(^|· ){error.exit_code} ", codes, re.MULTILINE)
