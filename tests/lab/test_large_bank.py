"""What users wait for does not grow with the bank."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from attrbank.cli.listing import FIELDS, ROWS_IN_TERMINAL
from attrbank.errors import NotFoundError
from attrbank.store.bank import Bank
from lab import large_bank
from tests.helpers.artifacts import artifact

FEW, MANY = 300, 3000


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return large_bank.fill(tmp_path_factory.mktemp("few") / "bank", FEW)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return large_bank.fill(tmp_path_factory.mktemp("many") / "bank", MANY)


def steps_of(bank: Bank, act: Callable[[Bank], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """Hundreds of instructions that SQLite's machine takes, which unlike seconds do not grow with the load."""
    counted = [0]
    connect = sqlite3.connect

    def counting(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_progress_handler(lambda: counted.__setitem__(0, counted[0] + 1), 100)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", counting)
        act(bank)
    return counted[0]


def test_a_list_in_a_terminal_costs_as_much_in_a_bank_of_many(
    few: Bank, many: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(bank: Bank) -> object:
        return bank.rows(FIELDS, limit=ROWS_IN_TERMINAL)

    assert steps_of(many, listed, monkeypatch) < 2 * steps_of(few, listed, monkeypatch)


@pytest.mark.parametrize("reference", ["{name}", "{id:.12}", "{id}", "{name}@{id:.12}"])
def test_what_a_reference_means_costs_as_much_in_a_bank_of_many(
    reference: str, few: Bank, many: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(bank: Bank) -> object:
        wanted = bank.rows(["name", "id"], limit=5)[-1]
        return bank.resolve(reference.format(name=wanted[0], id=wanted[1])).name == wanted[0]

    assert steps_of(many, looked_up, monkeypatch) < 1.2 * steps_of(few, looked_up, monkeypatch)


def test_the_rows_of_a_terminal_are_those_that_the_whole_list_begins_with(many: Bank, tmp_path: Path) -> None:
    """Also where the starter bank has some among them, and some of those are hidden."""
    starter = Bank(tmp_path / "starter")
    for name in ("aaa", "attribute-000003", "attribute-000007x", "zzz"):
        starter.add(artifact(name))
    both = Bank(many.path, starter.path)
    whole = both.rows(FIELDS)
    for limit in (1, 5, 50, 1000):
        assert both.rows(FIELDS, limit=limit) == whole[:limit]
    assert both.count() == len(whole) == MANY + 3


def test_a_name_that_was_meant_is_found_among_many(many: Bank, tmp_path: Path) -> None:
    starter = Bank(tmp_path / "starter")
    starter.add(artifact("smile"))
    with pytest.raises(NotFoundError, match="no attribute") as refused:
        Bank(many.path, starter.path).resolve("smle")
    assert "smile" in str(refused.value.hint)


def test_a_rebuild_of_many_keeps_others_out_for_a_small_part_of_its_time(many: Bank) -> None:
    shares = []
    for _ in range(3):  # others compute beside it, and now and then hold up those few calls
        taken, waited = large_bank.reindexed(many)
        shares.append(waited / taken)
    assert min(shares) < 1 / 3
