"""Banks of every schema that there was, each written by the code of its time, are read and go on; a newer one is left.

``golden/schema-N`` came of this, at the last commit that wrote schema N: add *young*, add another *young* with
``replace``, add *smile* and *hat*, remove *hat*; from 2 on keep a card of *smile*; from 3 on tag, annotate and alias
*smile* and rename the current *young* to *youth*. They are never written again.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attrbank.errors import IncompatibleError
from attrbank.store.bank import Bank
from attrbank.store.migrations import SCHEMA_VERSION
from tests.helpers.artifacts import artifact, snapshot
from tests.helpers.measured import a_card

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())
SCHEMAS = [int(path.name.removeprefix("schema-")) for path in GOLDEN]


@pytest.fixture(params=GOLDEN, ids=lambda path: path.name)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Bank:
    """A copy of a golden bank."""
    shutil.copytree(request.param, tmp_path / request.param.name)
    return Bank(tmp_path / request.param.name)


def schema_of(bank: Bank) -> int:
    with closing(sqlite3.connect(bank.path / "index.db")) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def written_by(bank: Bank) -> int:
    return int(bank.path.name.removeprefix("schema-"))


def require_all_of_it(bank: Bank) -> None:
    """What it was made of, as far as its schema could tell."""
    schema = written_by(bank)
    current = "youth" if schema >= 3 else "young"
    assert [entry.name for entry in bank.entries()] == ["smile", current]
    first, second = artifact("young", body=b"\1" * 16), artifact("young", body=b"\2" * 16)
    assert bank.read(bank.resolve(current)) == second
    assert first in [bank.read(entry) for entry in bank.versions("young")]
    smile = bank.resolve("smile")
    assert (bank.read(smile), smile.created is not None) == (artifact("smile"), True)
    assert [item.entry.name for item in bank.trash()] == ["hat"]
    if schema >= 2:
        assert (smile.score, bank.measurements.card(smile)) == (0.9, a_card(smile.id))
    if schema >= 3:
        said = bank.annotations.of(smile)
        assert (smile.tags, said.note, bank.resolve("grin").id) == (("face",), "kind", smile.id)
        assert [found.id for found in bank.search(["kind"])] == [smile.id]
    assert {finding.state for finding in bank.verify()} == {"ok"}


def test_there_is_one_of_every_schema() -> None:
    """A new step in ``migrations.STEPS`` begins with a bank of the one before."""
    assert sorted(SCHEMAS) == list(range(1, SCHEMA_VERSION + 1))


def test_an_old_bank_is_read_without_being_changed(old: Bank) -> None:
    assert schema_of(old) == written_by(old)
    before = snapshot(old.path)
    require_all_of_it(old)
    assert snapshot(old.path) == before


def test_the_first_write_migrates_an_old_bank_and_loses_nothing(old: Bank) -> None:
    old.remove(old.add(artifact("beard")).reference)
    assert schema_of(old) == SCHEMA_VERSION
    assert [item.entry.name for item in old.trash()] == ["beard", "hat"]
    old.prune(grace=0)
    old.remove(old.add(artifact("hat")).reference)
    require_all_of_it(old)


def test_an_old_bank_can_be_rebuilt(old: Bank) -> None:
    old.reindex()
    assert schema_of(old) == SCHEMA_VERSION
    require_all_of_it(old)
    (old.path / "index.db").unlink()
    old.reindex()
    assert {entry.name for entry in old.entries()} >= {"smile"}
    assert {finding.state for finding in old.verify()} == {"ok"}


def test_a_bank_of_a_newer_schema_is_left_as_it_is(old: Bank, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old.path / "index.db")) as connection, connection:
        connection.execute("UPDATE needs SET attrbank = '9.8.7'")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = snapshot(old.path)
    for act in (
        old.entries,
        old.verify,
        old.repair,
        old.reindex,
        old.trash,
        lambda: old.prune(0),
        lambda: old.resolve("smile"),
        lambda: old.add(artifact("beard")),
        lambda: old.remove("smile"),
        lambda: old.restore("hat"),
        lambda: old.backup(tmp_path / "backup.tar"),
    ):
        with pytest.raises(IncompatibleError) as refused:
            act()
        assert "attrbank >= 9.8.7" in (refused.value.hint or "")
    assert snapshot(old.path) == before
    assert not (tmp_path / "backup.tar").exists()
