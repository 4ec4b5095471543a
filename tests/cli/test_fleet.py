"""``attrbank learn --from FILE``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from attrbank.cli import progress_bar
from attrbank.errors import NumericError
from attrbank.learning.fleet import work as fleet_work
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli

SHEET = """
[defaults]
source = "a person"
seeds = "0-1"
steps = 4
core = "mean"
force = true

[attributes.old]
target = "an old person"

[attributes.hat]
target = "a person with a hat"
"""


@pytest.fixture
def sheet(tmp_path: Path) -> str:
    path = tmp_path / "a.toml"
    path.write_text(SHEET)
    return str(path)


def test_it_learns_all_and_the_second_time_nothing(
    sheet: str, cli: Cli, bank: Bank, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_bar, "EVERY", 0.01)
    learning = ("learn", "--from", sheet, "--backbone", str(tiny_pipeline))
    first = cli(*learning)
    assert first.code == 0, first.err
    references = [bank.resolve(name).reference for name in ("old", "hat")]
    assert first.out.split() == references
    told = r"^learning, 1 of 2 done, 1 running, 0 waiting \(hat: \w.+\): 50 %, (\d+ min )?\d+ s left$"
    assert re.search(told, first.err, re.MULTILINE), first.err
    assert all(bank.previews.path(bank.resolve(name)) for name in ("old", "hat"))
    again = cli(*learning, "--json")
    assert again.code == 0
    told = [(one["name"], one["reference"], one["status"]) for one in json.loads(again.out)]
    assert told == list(zip(("old", "hat"), references, ("there", "there"), strict=True))
    assert "2 of 2 are in the bank already." in again.err


def test_a_failure_is_partial_success_and_says_where(
    sheet: str, cli: Cli, bank: Bank, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fleet_work.made

    def failing(spec, model, **how):
        if spec.name == "old":
            raise NumericError("Not finite.")
        return made(spec, model, **how)

    monkeypatch.setattr(fleet_work, "made", failing)
    outcome = cli("learn", "--from", sheet, "--backbone", str(tiny_pipeline), "--no-preview", "--json")
    assert outcome.code == 11
    assert "a.toml, line 9, old: Not finite." in outcome.err
    assert [(one["name"], one["status"], one["line"]) for one in json.loads(outcome.out)] == [
        ("old", "failed", 9),
        ("hat", "learned", 12),
    ]
    assert [entry.name for entry in bank.entries()] == ["hat"]


@pytest.mark.parametrize("option", [("--source", "x"), ("--steps", "4"), ("--tune",), ("--seed", "1")])
def test_what_the_file_says_is_refused_as_an_option(option: tuple[str, ...], sheet: str, cli: Cli) -> None:
    outcome = cli("learn", "--from", sheet, *option)
    assert outcome.code == 2
    assert f"{option[0]} is for the file to say" in " ".join(outcome.err.split())


def test_a_name_and_a_file_exclude_each_other_and_one_is_needed(sheet: str, cli: Cli) -> None:
    assert cli("learn", "old", "--from", sheet).code == 2
    assert cli("learn").code == 2


def test_every_mistake_of_a_file_is_told_and_nothing_begun(sheet: str, cli: Cli, bank: Bank, tmp_path: Path) -> None:
    wrong = tmp_path / "b.toml"
    wrong.write_text(SHEET.replace("target", "taget"))
    outcome = cli("learn", "--from", str(wrong))
    assert outcome.code == 4
    lines = [line for line in outcome.err.splitlines() if "taget is no key" in line]
    assert [line.partition(":")[0] for line in lines] == ["b.toml, line 10, old", "b.toml, line 13, hat"]
    assert "2 of 2 attributes in b.toml cannot be learned as they are written; none was begun." in outcome.err
    assert not bank.path.exists()
