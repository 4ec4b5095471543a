"""How users point at an attribute, and what they are told when it is not there."""

from __future__ import annotations

import pytest

from attrbank.errors import (
    InvalidValueError,
    NotFoundError,
)
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact


def test_name_beats_a_prefix(bank: Bank) -> None:
    other = bank.add(artifact("young"))
    named = bank.add(artifact(other.id[:6]))
    assert named.id == bank.resolve(other.id[:6]).id
    assert other.id == bank.resolve(other.id[:7]).id


def test_ambiguous_prefix_lists_the_candidates(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["abcdef" + "0" * 58, "abcdef" + "1" * 58])
    monkeypatch.setattr("attrbank.store.bank.blobs.identify", lambda _: next(ids))
    bank.add(artifact("young"))
    bank.add(artifact("smile"))
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("abcdef")
    assert "young@abcdef000000" in (caught.value.hint or "")
    assert "smile@abcdef111111" in (caught.value.hint or "")


def test_misspelt_name_suggests_the_nearest(bank: Bank) -> None:
    bank.add(artifact("young"))
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("yuong")
    assert caught.value.hint == "Did you mean young?"


def test_wrong_id_of_a_known_name_lists_its_versions(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    with pytest.raises(NotFoundError) as caught:
        bank.resolve("young@000000")
    assert entry.reference in (caught.value.hint or "")


@pytest.mark.parametrize("reference", ["../x", "/etc/passwd", "young@../x", "", "Young", "x\0"])
def test_hostile_reference_is_refused(bank: Bank, reference: str) -> None:
    for action in (bank.resolve, bank.remove, bank.restore):
        with pytest.raises(InvalidValueError):
            action(reference)


def test_the_same_attribute_twice_is_an_error_however_it_is_written(bank: Bank) -> None:
    entry = bank.add(artifact("young"))
    smile = bank.add(artifact("smile"))
    assert [smile.id, entry.id] == [found.id for found in bank.resolve_all(["smile", "young"])]
    for again in ("young", entry.reference, entry.id[:9]):
        with pytest.raises(InvalidValueError, match="young"):
            bank.resolve_all(["young", "smile", again])
