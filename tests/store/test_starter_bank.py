"""The shipped bank lies beneath the user's, and is never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import (
    StorageError,
)
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, snapshot


def test_starter_attributes_are_readable_at_once(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    assert [entry.name for entry in layered.entries()] == ["glasses", "smile"]
    assert {"starter"} == {entry.origin for entry in layered.entries()}
    assert artifact("smile") == layered.read(layered.resolve("smile"))
    assert layered.resolve("smile").created is None
    assert not bank.path.exists()


def test_user_attribute_hides_the_starter_of_the_same_name(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    hidden = layered.resolve("smile")
    mine = layered.add(numbered("smile", 7))
    assert mine == layered.resolve("smile")
    assert [entry.name for entry in layered.entries()] == ["glasses", "smile"]
    assert layered.count() == 2
    assert layered.resolve(hidden.reference).origin == "starter"
    layered.remove("smile")
    assert hidden == layered.resolve("smile")


def test_user_copy_of_a_starter_attribute_is_one_attribute(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    mine = layered.add(artifact("smile"))
    assert layered.resolve(mine.id).origin == "user"
    assert layered.count() == 2


def test_starter_attribute_is_not_removable(bank: Bank, starter: Path) -> None:
    before = snapshot(starter)
    with pytest.raises(StorageError) as caught:
        Bank(bank.path, starter).remove("smile")
    assert caught.value.hint
    assert before == snapshot(starter)


def test_damaged_starter_artifact_does_not_hide_the_others(bank: Bank, starter: Path) -> None:
    path = next(path for path in starter.rglob("*.safetensors") if b"glasses" in path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(b"PK")
    assert [entry.name for entry in Bank(bank.path, starter).entries()] == ["smile"]


def test_bank_is_not_its_own_starter(bank: Bank) -> None:
    bank.add(artifact())
    assert {"user"} == {entry.origin for entry in Bank(bank.path, bank.path).entries()}
