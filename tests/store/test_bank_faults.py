"""Nothing that happens to a bank loses what was in it: full disks, killed processes, several writers."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attrbank.errors import (
    IncompatibleError,
    InvalidValueError,
    StorageError,
)
from attrbank.store import _fs, ledger
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact, numbered, snapshot


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_bank_that_is_a_file_is_a_storage_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("text")
    bank = Bank(tmp_path / place)
    reads = (bank.entries, bank.verify, bank.reindex, lambda: bank.resolve("x"))
    for action in (*reads, lambda: bank.add(artifact())):
        with pytest.raises(StorageError):
            action()


def test_bank_that_is_a_dangling_link_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError):
        Bank(tmp_path / "link").add(artifact())


@pytest.mark.parametrize("name", ["with space", "per%20cent", "que?ry#", "ü", "x" * 200])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    bank = Bank(tmp_path / name)
    bank.add(artifact())
    assert [name] == os.listdir(tmp_path)
    assert bank.count() == 1


def test_full_disk_leaves_the_bank_as_it_was(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.add(artifact("young"))
    before = snapshot(bank.path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(_fs.os, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        bank.add(artifact("smile"))
    monkeypatch.undo()
    assert before == snapshot(bank.path)
    assert len({bank.add(artifact("smile")).id, bank.resolve("young").id}) == 2


def test_death_between_file_and_index_leaves_the_bank_sound(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    old = bank.add(numbered("young", 1))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "write_version", die)
    with pytest.raises(KeyboardInterrupt):
        bank.add(numbered("young", 2), replace=True)
    monkeypatch.undo()
    assert (old,) == bank.entries()
    assert [finding.state for finding in bank.verify()] == ["ok", "orphan"]
    assert bank.add(numbered("young", 2), replace=True) == bank.resolve("young")
    assert {"ok"} == {finding.state for finding in bank.verify()}


def test_death_on_the_very_first_add_leaves_an_empty_bank(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "admit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.add(artifact())
    monkeypatch.undo()
    assert bank.entries() == ()
    assert len({bank.add(artifact()).id}) == 1


def test_death_in_the_middle_of_a_removal_can_be_finished_or_undone(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = bank.add(artifact())
    monkeypatch.setattr(_fs, "move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bank.remove("young")
    monkeypatch.undo()
    assert bank.entries() == ()
    bank.reindex()
    assert [f"{entry.id}.safetensors"] == os.listdir(bank.path / "trash")
    assert entry == bank.restore("young")


def test_of_two_writers_with_the_same_name_one_wins(bank: Bank) -> None:
    def write(number: int) -> str | None:
        try:
            return Bank(bank.path).add(numbered("young", number)).id
        except InvalidValueError:
            return None

    with ThreadPoolExecutor(8) as pool:
        winners = [identity for identity in pool.map(write, range(8)) if identity]
    assert winners == [bank.resolve("young").id]


def test_writers_with_distinct_names_all_win(bank: Bank) -> None:
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda number: Bank(bank.path).add(artifact(f"n{number}")), range(16)))
    assert {entry.id for entry in entries} == {entry.id for entry in bank.entries()}
    assert {"ok"} == {finding.state for finding in bank.verify()}


def test_no_operation_leaves_temporary_files(bank: Bank) -> None:
    bank.add(numbered("young", 1))
    bank.add(numbered("young", 2), replace=True)
    bank.remove("young")
    bank.restore("young")
    bank.reindex()
    kinds = {path.suffix for path in bank.path.rglob("*") if path.is_file()}
    assert {".safetensors", ".db"} == kinds


def test_artifact_of_a_newer_format_is_refused(bank: Bank) -> None:
    with pytest.raises(IncompatibleError):
        bank.add(artifact(format_version=2))


def test_unreadable_file_is_a_storage_error_and_verify_says_so(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = bank.add(artifact())
    monkeypatch.setattr(_fs.os, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EACCES, "")))
    with pytest.raises(StorageError, match="permission is denied"):
        bank.read(entry)
    assert [finding.state for finding in bank.verify()] == ["unreadable"]
