"""Previews lie beside artifacts, as annotations do, and share their fate."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import CorruptArtifactError
from attrbank.store.bank import Bank
from attrbank.store.previews import MAX_PREVIEW
from tests.helpers.artifacts import artifact, snapshot
from tests.store.test_trash import age

JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def drawn(bank: Bank) -> Path:
    """Where the preview of ``young`` is."""
    return bank.previews.keep(bank.add(artifact()), JPEG)


def test_a_preview_belongs_to_an_id_and_changes_nothing_of_the_artifact(bank: Bank, drawn: Path) -> None:
    young = bank.resolve("young")
    assert (bank.previews.path(young), bank.previews.read(young)) == (drawn, JPEG)
    assert bank.read(young) == artifact()
    other = bank.add(artifact("old"))
    assert (bank.previews.path(other), bank.previews.read(other)) == (None, None)
    assert {finding.state for finding in bank.verify()} == {"ok"}


@pytest.mark.parametrize("picture", [b"", b"GIF89a", JPEG + bytes(MAX_PREVIEW)])
def test_what_is_no_small_picture_is_not_kept(picture: bytes, bank: Bank) -> None:
    entry = bank.add(artifact())
    with pytest.raises(CorruptArtifactError, match="no JPEG"):
        bank.previews.keep(entry, picture)
    assert not bank.previews.path(entry)


def test_it_outlasts_a_removal_and_goes_with_the_last_of_the_attribute(bank: Bank, drawn: Path) -> None:
    bank.remove("young")
    assert bank.previews.path(bank.restore("young")) == drawn
    bank.remove("young")
    age(bank, "young")
    bank.prune()
    assert not drawn.exists()


def test_a_backup_brings_it_back(bank: Bank, drawn: Path, tmp_path: Path) -> None:
    bank.backup(tmp_path / "bank.tar")
    other = Bank(tmp_path / "other")
    other.restore_backup(tmp_path / "bank.tar")
    assert other.previews.read(other.resolve("young")) == JPEG
    assert snapshot(other.path).keys() - {"index.db"} == snapshot(bank.path).keys() - {"index.db"}


def test_verify_tells_what_is_wrong_with_previews(bank: Bank, drawn: Path) -> None:
    (drawn.parent / "stray.jpg").write_bytes(JPEG)
    (drawn.parent / f"{'0' * 64}.jpg").write_bytes(JPEG)
    drawn.chmod(0o644)
    drawn.write_bytes(b"GIF89a")
    found = {finding.item: finding.state for finding in bank.verify() if finding.item.startswith("previews/")}
    assert found == {
        f"previews/{drawn.name}": "corrupt",
        "previews/stray.jpg": "leftover",
        f"previews/{'0' * 64}.jpg": "orphan",
    }


def test_of_a_shipped_attribute_the_users_own_comes_first(bank: Bank, starter: Path) -> None:
    both = Bank(bank.path, starter)
    smile = both.resolve("smile")
    shipped = starter / "previews" / f"{smile.id}.jpg"
    shipped.parent.mkdir()
    shipped.write_bytes(JPEG)
    assert both.previews.path(smile) == shipped
    assert both.previews.path(smile) != both.previews.keep(smile, JPEG + b"!")
    assert both.previews.read(smile) == JPEG + b"!"
