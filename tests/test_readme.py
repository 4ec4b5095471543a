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
from attrbank.evaluation.readme import TABLES, places, rewritten

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tutorial_in_the_readme_is_the_packages_file() -> None:
    file = ROOT / "plugins" / "attrbank-example-sampler" / "attrbank_example_sampler.py"
    assert file.read_text(encoding="utf-8").strip() in README


def test_the_tables_in_the_readme_are_what_was_measured() -> None:
    assert rewritten(README, ROOT / "docs") == README


def test_every_table_that_was_measured_has_its_place() -> None:
    measured = {name for name, table in TABLES.items() if (ROOT / "docs" / table.file).exists()}
    assert set(places(README)) == measured


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
