"""The README says what is so."""

from __future__ import annotations

import json
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
from attrbank.evaluation.compositions import table
from attrbank.evaluation.pictures import edit_table, round_trip_table
from attrbank.evaluation.results import Figures
from attrbank.evaluation.tables import at_equal_success, at_strength_one

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tutorial_in_the_readme_is_the_packages_file() -> None:
    file = ROOT / "plugins" / "attrbank-example-sampler" / "attrbank_example_sampler.py"
    assert file.read_text(encoding="utf-8").strip() in README


@pytest.mark.parametrize("file", sorted((ROOT / "docs").glob("figures*.json")), ids=lambda file: file.name)
def test_the_tables_in_the_readme_are_what_was_measured(file: Path) -> None:
    figures = Figures.model_validate_json(file.read_text(encoding="utf-8"))
    assert at_equal_success(figures) in README
    assert at_strength_one(figures) in README


def test_the_compositions_in_the_readme_are_what_was_measured() -> None:
    figures = json.loads((ROOT / "docs" / "compositions.json").read_text(encoding="utf-8"))
    assert table(figures) in README


@pytest.mark.parametrize("file", sorted((ROOT / "docs").glob("pictures.json")), ids=lambda file: file.name)
def test_the_edits_of_pictures_in_the_readme_are_what_was_measured(file: Path) -> None:
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert edit_table(figures) in README
    assert round_trip_table(figures) in README


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
