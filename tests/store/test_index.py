from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from attrbank.errors import BankBusyError, CorruptArtifactError, IncompatibleError, StorageError
from attrbank.store import index
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact


@contextmanager
def _raw(bank: Bank) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(bank.path / "index.db", isolation_level=None)) as connection:
        yield connection


def _interrupted_copy(bank: Bank, target: Path) -> Bank:
    """The bank as it lies there after a kill in the middle of a large transaction: with a hot journal."""
    with _raw(bank) as connection:
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE versions SET name = 'torn' || id, created = hex(randomblob(500))")
        shutil.copytree(bank.path, target)
        connection.execute("ROLLBACK")
    assert (target / "index.db-journal").stat().st_size > 0
    return Bank(target)


def test_reading_after_a_kill_rolls_the_interrupted_write_back(bank: Bank, tmp_path: Path) -> None:
    for number in range(20):
        bank.add(artifact(f"n{number}"))
    killed = _interrupted_copy(bank, tmp_path / "killed")
    assert bank.entries() == killed.entries()
    assert {"ok"} == {finding.state for finding in killed.verify()}


def test_recovery_that_read_only_media_forbid_is_a_storage_error(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        bank.add(artifact(f"n{number}"))
    killed = _interrupted_copy(bank, tmp_path / "killed")
    connect = index._connect
    monkeypatch.setattr(index, "_connect", lambda path, mode: connect(path, "ro"))
    with pytest.raises(StorageError, match="recover"):
        killed.entries()


def test_readers_do_not_write(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.add(artifact())
    modes: list[str] = []
    connect = index._connect
    monkeypatch.setattr(index, "_connect", lambda path, mode: modes.append(mode) or connect(path, mode))
    bank.read(bank.resolve("young"))
    bank.entries()
    bank.verify()
    assert {"ro"} == set(modes)


def test_writer_that_waits_too_long_says_the_bank_is_busy(bank: Bank, impatient: None) -> None:
    bank.add(artifact("young"))
    with _raw(bank) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(BankBusyError, match=str(bank.path)):
            bank.add(artifact("smile"))
        assert bank.count() == 1


def test_writes_are_immediate_fully_synchronised_and_use_a_rollback_journal(bank: Bank) -> None:
    bank.add(artifact())
    with index.writing(bank.path / "index.db") as connection:
        assert connection.in_transaction
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)
        with _raw(bank) as other:
            other.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")


def test_failed_write_is_rolled_back(bank: Bank) -> None:
    entry = bank.add(artifact())

    def fail() -> None:
        with index.writing(bank.path / "index.db") as connection:
            connection.execute("DELETE FROM versions")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (entry,) == bank.entries()


def test_failed_migration_is_rolled_back_and_can_be_tried_again(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("attrbank.store.migrations.STEPS", (*index.migrate.__globals__["STEPS"], fail))
    with pytest.raises(ZeroDivisionError):
        bank.add(artifact())
    monkeypatch.undo()
    assert bank.count() == 0
    bank.add(artifact())


def test_newer_schema_names_the_version_it_needs_and_is_left_alone(bank: Bank) -> None:
    bank.add(artifact())
    with _raw(bank) as connection:
        connection.execute("UPDATE needs SET attrbank = '9.8.7'")
        connection.execute("PRAGMA user_version = 99")
    before = (bank.path / "index.db").read_bytes()
    for action in (bank.entries, bank.reindex, bank.verify, lambda: bank.add(artifact("smile"))):
        with pytest.raises(IncompatibleError) as caught:
            action()
        assert "attrbank >= 9.8.7" in (caught.value.hint or "")
    assert before == (bank.path / "index.db").read_bytes()


def test_index_with_a_path_for_an_id_is_refused(bank: Bank) -> None:
    entry = bank.add(artifact())
    with _raw(bank) as connection:
        document = "replace(document, id, '../../secret')"
        connection.execute(f"UPDATE artifacts SET id = '../../secret', document = {document}")
        connection.execute("UPDATE versions SET id = '../../secret'")
    with pytest.raises(CorruptArtifactError):
        bank.read(bank.resolve(entry.name))


def test_index_that_is_a_folder_is_a_storage_error(bank: Bank) -> None:
    (bank.path / "index.db").mkdir(parents=True)
    with pytest.raises(StorageError):
        bank.entries()


def test_an_index_at_which_one_would_wait_for_ever_is_refused(bank: Bank) -> None:
    bank.add(artifact("young"))
    (bank.path / "index.db").unlink()
    os.mkfifo(bank.path / "index.db")
    for ask in (bank.entries, bank.reindex, lambda: bank.add(artifact("old"))):
        with pytest.raises(StorageError, match="not a regular file"):
            ask()


def test_a_link_that_leads_to_itself_is_no_index(bank: Bank) -> None:
    bank.path.mkdir()
    (bank.path / "index.db").symlink_to("index.db")
    with pytest.raises(StorageError):
        bank.add(artifact("old"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON versions BEGIN DELETE FROM versions WHERE name = 'young'; END",
        "CREATE VIEW v AS SELECT 1",
        "UPDATE artifacts SET name = x'00ff' WHERE name = 'young'",
        "UPDATE versions SET name = x'00ff' WHERE name = 'young'",
    ],
)
def test_what_is_not_ours_in_an_index_is_damage_that_a_rebuild_mends(statement: str, bank: Bank) -> None:
    """A trigger would act on what we write, and bytes come out as something else than they went in."""
    bank.add(artifact("young"))
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute(statement)
    with pytest.raises(CorruptArtifactError, match="damaged"):
        [bank.rows(["name", "id"]), bank.versions("young"), bank.verify()]
    bank.reindex()
    bank.add(artifact("old"))
    assert [entry.name for entry in bank.entries()] == ["old", "young"]
    assert all(finding.state == "ok" for finding in bank.verify())
