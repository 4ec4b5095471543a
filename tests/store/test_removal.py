"""What is removed is in the trash, until it is restored."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from attrbank.errors import CorruptArtifactError, InvalidValueError, NotFoundError
from attrbank.store import catalogue, index
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, object_path, snapshot


def test_removed_attribute_is_gone_until_it_is_restored(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    bank.remove("young")
    assert bank.entries() == ()
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("young")
    assert "attrbank restore young" in (caught.value.hint or "")
    assert entry == bank.restore("young")
    assert artifact("young") == bank.read(bank.resolve("young"))


def test_restore_brings_back_the_version_removed_last(bank: Bank) -> None:
    for number in (1, 2):
        bank.add(numbered("young", number))
        last = bank.remove("young")
    assert last.id == bank.restore("young").id


def test_restored_attribute_does_not_take_a_name_from_another(bank: Bank) -> None:
    old = bank.add(numbered("young", 1))
    bank.remove("young")
    new = bank.add(numbered("young", 2))
    assert not bank.restore("young").current
    assert new.id == bank.resolve("young").id
    assert old.id == bank.resolve(old.reference).id


def test_removing_an_old_version_leaves_the_name_alone(bank: Bank) -> None:
    old = bank.add(numbered("young", 1))
    new = bank.add(numbered("young", 2), replace=True)
    bank.remove(old.reference)
    assert [new.id] == [entry.id for entry in bank.versions("young")]


def test_learning_the_removed_bytes_again_brings_them_back(bank: Bank) -> None:
    bank.add(artifact())
    bank.remove("young")
    entry = bank.add(artifact())
    assert artifact() == bank.read(entry)
    assert os.listdir(bank.path / "trash") == []


def test_damaged_attribute_can_be_removed_but_not_restored(bank: Bank) -> None:
    entry = bank.add(artifact())
    object_path(bank, entry.id).unlink()
    object_path(bank, entry.id).write_bytes(b"junk")
    bank.remove("young")
    with pytest.raises(CorruptArtifactError):
        bank.restore("young")


def test_nothing_to_restore_is_not_found(bank: Bank) -> None:
    bank.add(artifact())
    with pytest.raises(NotFoundError):
        bank.restore("young")


def test_what_comes_back_between_the_row_and_the_file_stays(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes on one attribute: whatever their order, a name that is listed has its file."""
    entry, writing, calls = bank.add(artifact("young")), index.writing, []

    def interrupted(path: Path) -> Any:
        calls.append(path)
        if len(calls) == 2:  # the file is about to be moved
            monkeypatch.setattr(index, "writing", writing)
            Bank(bank.path).add(artifact("young"))
        return writing(path)

    monkeypatch.setattr(index, "writing", interrupted)
    bank.remove("young")
    assert bank.read(bank.resolve("young")) == artifact("young")
    assert bank.entries() == (entry,)
    assert all(finding.state == "ok" for finding in bank.verify())


def test_an_attribute_that_is_refused_leaves_no_file(bank: Bank) -> None:
    bank.add(numbered("young", 1))
    before = snapshot(bank.path)
    with pytest.raises(InvalidValueError):
        bank.add(numbered("young", 2))
    assert snapshot(bank.path) == before


def test_of_two_who_remove_or_restore_one_attribute_the_second_is_told(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = bank.add(artifact("young"))
    monkeypatch.setattr(Bank, "resolve", lambda *_: entry)  # as it was when it was asked
    bank.remove("young")
    with pytest.raises(NotFoundError, match="just been removed"):
        bank.remove("young")


def test_what_somebody_else_deletes_just_after_it_was_added_is_told(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def meanwhile(*arguments: Any) -> Iterator[sqlite3.Connection]:
        monkeypatch.undo()
        bank.remove("young")
        bank.prune(-1.0)
        with catalogue.catalogue(*arguments) as connection:
            yield connection

    monkeypatch.setattr("attrbank.store.bank.catalogue", meanwhile)
    with pytest.raises(NotFoundError, match="just been deleted"):
        bank.add(artifact("young"))
