"""A bank comes back from its backup as it was, or not at all."""

from __future__ import annotations

import io
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from attrbank.errors import AttrbankError, CorruptArtifactError, InvalidValueError, NotFoundError
from attrbank.store import ledger
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, object_path, snapshot
from tests.helpers.measured import a_card


def fill(bank: Bank) -> None:
    """Two versions, one renamed with a tag and a card, one removed."""
    bank.add(numbered("young", 1))
    young = bank.add(numbered("young", 2), replace=True)
    bank.measurements.keep_card(a_card(young.id))
    old = bank.add(artifact("old"))
    bank.annotations.tag(old, ["face"])
    bank.annotations.rename(old, "elder")
    bank.add(artifact("gone"))
    bank.remove("gone")


def content(bank: Bank) -> tuple[object, ...]:
    files = {name: data for name, data in snapshot(bank.path).items() if name != "index.db"}
    return bank.entries(), bank.versions("young"), bank.trash()[0][:2], files


@pytest.fixture
def saved(bank: Bank, tmp_path: Path) -> Path:
    fill(bank)
    bank.backup(tmp_path / "bank.tar")
    return tmp_path / "bank.tar"


def test_a_bank_comes_back_as_it_was(bank: Bank, saved: Path, tmp_path: Path) -> None:
    other = Bank(tmp_path / "other")
    assert other.restore_backup(saved) == 4
    assert content(other) == content(bank)
    assert {finding.state for finding in other.verify()} == {"ok"}
    assert other.restore("gone").name == "gone"
    with tarfile.open(saved) as tar:
        assert all(member.isreg() for member in tar)


def test_the_same_bank_makes_the_same_file(bank: Bank, saved: Path, tmp_path: Path) -> None:
    bank.backup(tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == saved.read_bytes()


def test_an_empty_bank_can_be_kept_too(bank: Bank, tmp_path: Path) -> None:
    assert bank.backup(tmp_path / "bank.tar") == (0, ())
    assert Bank(tmp_path / "other").restore_backup(tmp_path / "bank.tar") == 0


def test_nothing_is_written_over_unless_that_is_asked_for(bank: Bank, saved: Path) -> None:
    before = saved.read_bytes()
    bank.add(artifact("new"))
    with pytest.raises(InvalidValueError):
        bank.backup(saved)
    assert saved.read_bytes() == before
    bank.backup(saved, over=True)
    assert saved.read_bytes() != before
    with pytest.raises(InvalidValueError, match="not empty"):
        bank.restore_backup(saved)


def test_what_is_damaged_is_left_out_and_named(bank: Bank, tmp_path: Path) -> None:
    fill(bank)
    bad = bank.resolve("elder").id
    object_path(bank, bad).chmod(0o644)
    object_path(bank, bad).write_bytes(b"junk")
    assert bank.backup(tmp_path / "bank.tar") == (3, (bad,))
    assert Bank(tmp_path / "other").restore_backup(tmp_path / "bank.tar") == 3


def test_a_damaged_annotation_is_left_out_and_costs_no_attribute(bank: Bank, tmp_path: Path) -> None:
    renamed = bank.annotations.rename(bank.add(artifact("young")), "foo")
    other = bank.add(numbered("young", 2))
    note = bank.path / "annotations" / f"{renamed.id}.json"
    note.chmod(0o644)
    note.write_text("{")
    assert bank.backup(tmp_path / "bank.tar") == (2, (f"annotations/{renamed.id}.json",))
    back = Bank(tmp_path / "other")
    assert back.restore_backup(tmp_path / "bank.tar") == 2
    assert {entry.id for entry in back.versions("young")} == {renamed.id, other.id}  # both are called so by now
    assert len(back.entries()) == 1
    assert {finding.state for finding in back.verify()} == {"ok"}


def test_a_rename_that_was_interrupted_costs_no_attribute_in_a_backup(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = bank.add(artifact("young"))
    monkeypatch.setattr(ledger, "write_annotation", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.annotations.rename(entry, "youth")
    monkeypatch.undo()
    youth = bank.add(artifact("youth"))
    bank.backup(tmp_path / "bank.tar")
    back = Bank(tmp_path / "other")
    assert back.restore_backup(tmp_path / "bank.tar") == 2
    assert {back.resolve(f"youth@{other.id[:12]}").id for other in (entry, youth)} == {entry.id, youth.id}
    assert {finding.state for finding in back.verify()} == {"ok"}


def test_every_change_to_a_backup_is_noticed_before_anything_is_written(
    bank: Bank, saved: Path, tmp_path: Path
) -> None:
    good, chooser = saved.read_bytes(), random.Random(0)
    end = good.rstrip(b"\0")
    for number in range(60):
        bad = bytearray(good)
        bad[chooser.randrange(len(end))] ^= 1 << chooser.randrange(8)
        saved.write_bytes(bad)
        other = Bank(tmp_path / f"flipped-{number}")
        try:
            other.restore_backup(saved)
        except AttrbankError:
            assert not other.path.exists()
        else:  # a bit of a member's date or owner
            assert content(other) == content(bank)
    for length in range(0, len(end), 997):
        saved.write_bytes(good[:length])
        other = Bank(tmp_path / f"cut-{length}")
        with pytest.raises(CorruptArtifactError):
            other.restore_backup(saved)
        assert not other.path.exists()


def _with(change: Callable[[tarfile.TarInfo], None], data: bytes = b"x") -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("objects/ab/" + "a" * 64 + ".safetensors")
        info.size = len(data)
        change(info)
        tar.addfile(info, io.BytesIO(data) if info.isreg() else None)

    return add


HOSTILE = {
    "a path out of it": _with(lambda info: setattr(info, "name", "../../evil")),
    "an absolute path": _with(lambda info: setattr(info, "name", "/tmp/evil")),
    "a link": _with(lambda info: (setattr(info, "type", tarfile.SYMTYPE), setattr(info, "linkname", "/etc/passwd"))),
    "a device": _with(lambda info: setattr(info, "type", tarfile.CHRTYPE)),
    "a stranger": _with(lambda info: setattr(info, "name", "index.db")),
    "bytes of another": _with(lambda info: None),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(kind: str, saved: Path, tmp_path: Path) -> None:
    with tarfile.open(saved, "a") as tar:
        HOSTILE[kind](tar)
    other = Bank(tmp_path / "x" / "other")
    before = set(os.listdir(tmp_path))
    with pytest.raises(CorruptArtifactError):
        other.restore_backup(saved)
    assert set(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"\x80\4K\1.", bytes(20_000), b"\x1f\x8b" + bytes(100)])
def test_what_is_no_backup_is_refused(data: bytes, bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "gift").write_bytes(data)
    with pytest.raises(CorruptArtifactError):
        bank.restore_backup(tmp_path / "gift")
    with pytest.raises(NotFoundError):
        bank.restore_backup(tmp_path / "nowhere")
    assert not bank.path.exists()
