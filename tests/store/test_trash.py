"""What was removed can be had back for as long as was promised, and nothing is deleted in doubt."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attrbank.errors import CorruptArtifactError
from attrbank.store import _fs, index, upkeep
from attrbank.store.bank import Bank
from attrbank.store.finding import Finding
from tests.helpers.artifacts import artifact, object_path, snapshot
from tests.helpers.measured import a_card

LONG_AGO = "2020-01-01T00:00:00.000+00:00"


def age(bank: Bank, name: str, removed: str = LONG_AGO) -> None:
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("UPDATE versions SET removed = ? WHERE name = ? AND removed IS NOT NULL", (removed, name))


def fill(bank: Bank) -> None:
    """Old was removed long ago, with a card and a tag; fresh just now; young is there."""
    for name in ("old", "fresh", "young"):
        entry = bank.add(artifact(name))
        bank.annotations.tag(entry, ["tag"])
        bank.measurements.keep_card(a_card(entry.id))
    bank.remove("old")
    bank.remove("fresh")
    age(bank, "old")


def trashed(bank: Bank) -> list[str]:
    return [item.entry.name for item in bank.trash()]


def test_the_trash_tells_how_long_ago_and_prune_takes_what_is_old(bank: Bank) -> None:
    fill(bank)
    fresh, old = bank.trash()
    assert (fresh.entry.name, old.entry.name, old.removed) == ("fresh", "old", LONG_AGO)
    assert fresh.age is not None
    assert old.age is not None
    assert fresh.age < 60 < 86400 * 365 < old.age
    before = snapshot(bank.path)
    assert [item.entry.name for item in bank.prune(dry_run=True)] == ["old"]
    assert snapshot(bank.path) == before
    assert [item.entry.name for item in bank.prune()] == ["old"]
    assert (trashed(bank), bank.prune()) == (["fresh"], ())
    assert not any(old.entry.id in name for name in snapshot(bank.path))
    assert {finding.state for finding in bank.verify()} == {"ok"}
    assert bank.restore("fresh").tags == ("tag",)
    assert bank.add(artifact("old")).tags == ()


def test_an_empty_or_absent_bank_has_no_trash(bank: Bank) -> None:
    assert (bank.trash(), bank.prune()) == ((), ())
    assert not bank.path.exists()


@pytest.mark.parametrize("removed", ["soon", "9999-01-01T00:00:00.000+00:00", "2020-01-01"])
def test_a_date_that_says_nothing_sure_deletes_nothing(bank: Bank, removed: str) -> None:
    fill(bank)
    age(bank, "old", removed)
    assert bank.prune() == ()
    assert bank.restore("old").name == "old"


def _spoil(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"junk")


def _forget(bank: Bank, name: str) -> None:
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("DELETE FROM versions WHERE name = ?", (name,))


DOUBTS = {
    "an attribute is damaged": lambda bank: _spoil(object_path(bank, bank.resolve("young").id)),
    "an attribute is missing": lambda bank: object_path(bank, bank.resolve("young").id).unlink(),
    "the index does not name one": lambda bank: _forget(bank, "young"),
    "the index is damaged": lambda bank: (bank.path / "index.db").write_bytes(bytes(9000)),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_in_doubt_nothing_is_deleted(doubt: str, bank: Bank) -> None:
    fill(bank)
    DOUBTS[doubt](bank)
    before = snapshot(bank.path)
    for dry_run in (True, False):
        with pytest.raises(CorruptArtifactError) as caught:
            bank.prune(dry_run=dry_run)
        assert "attrbank" in (caught.value.hint or "")
    assert snapshot(bank.path) == before


def _scratch(bank: Bank) -> None:
    """A damaged file of an attribute that the index does not name."""
    path = object_path(bank, "ab" * 32)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"junk")


NO_DOUBTS = {
    "a card is damaged": lambda bank: _spoil(next((bank.path / "cards").glob("*"))),
    "an annotation is damaged": lambda bank: _spoil(next((bank.path / "annotations").glob("*"))),
    "the matrix is damaged": lambda bank: (bank.path / "matrix.json").write_bytes(b"junk"),
    "what is old in the trash is damaged": lambda bank: _spoil(_in_trash(bank, "old")),
    "what is fresh in the trash is damaged": lambda bank: _spoil(_in_trash(bank, "fresh")),
    "a stranger is damaged": _scratch,
}


def _in_trash(bank: Bank, name: str) -> Path:
    (identity,) = (item.entry.id for item in bank.trash() if item.entry.name == name)
    return bank.path / "trash" / f"{identity}.safetensors"


@pytest.mark.parametrize("damage", NO_DOUBTS)
def test_what_the_trash_could_not_mend_keeps_nobody_from_emptying_it(damage: str, bank: Bank) -> None:
    fill(bank)
    NO_DOUBTS[damage](bank)
    fresh = _in_trash(bank, "fresh").read_bytes()
    assert [item.entry.name for item in bank.prune()] == ["old"]
    assert _in_trash(bank, "fresh").read_bytes() == fresh


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_the_refusal_advises_helps(doubt: str, bank: Bank) -> None:
    fill(bank)
    young = bank.resolve("young").id
    DOUBTS[doubt](bank)
    bank.repair()
    if {finding.state for finding in bank.verify() if finding.item == young} != {"ok"}:
        bank.remove(young)
    age(bank, "old")  # with a damaged index, the date was lost
    assert [item.entry.name for item in bank.prune()] == ["old"]


def test_what_is_brought_back_in_the_meantime_is_spared(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bank)
    before = bank.trash()
    bank.restore("old")
    monkeypatch.setattr("attrbank.store.trash.trashed", lambda *_: before)
    assert bank.prune() == ()
    assert bank.resolve("old").name == "old"


@pytest.mark.parametrize("transaction", [1, 2])
def test_what_is_brought_back_just_before_a_transaction_keeps_what_is_said_of_it(
    transaction: int, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bank)
    writing, numbers = index.writing, iter(range(1, 3))

    def interrupted(path: Path) -> object:
        if next(numbers) == transaction:
            with monkeypatch.context() as calm:
                calm.setattr(index, "writing", writing)
                bank.restore("old")
        return writing(path)

    monkeypatch.setattr(index, "writing", interrupted)
    assert bank.prune() == ()
    old = bank.resolve("old")
    assert (old.tags, old.score is None) == (("tag",), False)
    assert {finding.state for finding in bank.verify()} == {"ok"}


def test_what_is_said_of_a_starter_attribute_outlasts_a_copy_of_it(bank: Bank, starter: Path) -> None:
    over = Bank(bank.path, starter)
    smile = over.add(artifact("smile"))
    over.annotations.tag(smile, ["mouth"])
    over.annotations.alias(smile, ["grin"])
    over.measurements.keep_card(a_card(smile.id))
    over.remove("smile")
    age(over, "smile")
    before = over.resolve("smile")
    assert (before.origin, before.tags) == ("starter", ("mouth",))
    assert [item.entry.id for item in over.prune()] == [smile.id]
    assert over.resolve("grin") == over.resolve("smile") == before
    assert {finding.state for finding in over.verify()} == {"ok"}


def test_a_removal_that_was_interrupted_is_no_doubt(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bank)
    with monkeypatch.context() as dying:
        dying.setattr(_fs, "move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            bank.remove("young")
    assert [item.entry.name for item in bank.prune()] == ["old"]
    assert bank.restore("young").name == "young"


def test_what_is_being_added_is_no_doubt(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is there before its row; when the lock is free, so is the row."""
    fill(bank)
    verify, told = upkeep.verify, [[Finding("orphan", "0" * 64, "new", "user")]]
    monkeypatch.setattr(upkeep, "verify", lambda *given: told.pop() if told else verify(*given))
    assert [item.entry.name for item in bank.prune()] == ["old"]


def test_a_kill_between_file_and_row_is_taken_care_of_by_reindex_too(bank: Bank) -> None:
    fill(bank)
    os.unlink(bank.path / "trash" / f"{bank.trash()[1].entry.id}.safetensors")
    bank.reindex()
    assert trashed(bank) == ["fresh"]
