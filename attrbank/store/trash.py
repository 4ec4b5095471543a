"""What was removed: how long ago, and what is too old to be kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from attrbank.errors import CorruptArtifactError
from attrbank.store import _fs, index, upkeep
from attrbank.store.catalogue import catalogue, require_index, select
from attrbank.store.entry import Entry
from attrbank.store.finding import Finding
from attrbank.store.layout import Layout, identity_of, object_files
from attrbank.store.upkeep_cards import read_cards, reindex_cards
from attrbank.store.upkeep_notes import read_notes, reindex_notes

DAY = 86400.0
GRACE = 30 * DAY
"""Seconds for which what was removed can be had back, unless the user says otherwise."""


class Trashed(NamedTuple):
    """A removed attribute, when it was removed (ISO 8601 in UTC), and how many seconds ago; None if nobody knows."""

    entry: Entry
    removed: str
    age: float | None


def trashed(layout: Layout) -> tuple[Trashed, ...]:
    """What was removed from a user's bank, the newest first."""
    with catalogue(layout, None) as connection:
        entries = select(connection, "WHERE removed IS NOT NULL ORDER BY removed DESC, id", ())
        removed = dict(_removed(connection))
        return tuple(Trashed(entry, removed[entry.id], _age(removed[entry.id])) for entry in entries)


def prune(layout: Layout, starter: Layout | None, grace: float, *, dry_run: bool) -> tuple[Trashed, ...]:
    """Deletes for good what was removed longer ago than ``grace`` seconds, and returns it.

    Card, annotation and preview stay where the starter bank has the attribute too: they are about that one now.

    Raises:
        CorruptArtifactError: an attribute is damaged, so that the trash may be all there is of it.
        AttrbankError: the bank is busy, unwritable or of a newer schema.
    """
    if not require_index(layout):
        return ()
    _refuse_in_doubt(layout, dry_run=dry_run)
    old = tuple(item for item in trashed(layout) if item.age is not None and item.age > grace)
    if dry_run or not old:
        return old
    shipped = {identity_of(path) for path in object_files(starter)} if starter else set()
    with index.writing(layout.index) as connection:  # first, so that no kill leaves the index with more than there is
        going = _still_removed(connection, old)
        untold = [item.entry.id for item in going if item.entry.id not in shipped]
        _forget(connection, ("cards", "annotations", "aliases"), untold)
    with index.writing(layout.index) as connection:
        gone = _still_removed(connection, going)
        for item in gone:
            _delete(layout, item.entry.id, told=item.entry.id in shipped)
        _forget(connection, ("artifacts", "versions"), [item.entry.id for item in gone])
        if gone != going:  # somebody brought one back between the two: its card and annotation are still there
            reindex_cards(connection, read_cards(layout))
            reindex_notes(connection, read_notes(layout))
    return gone


def _still_removed(connection: sqlite3.Connection, items: tuple[Trashed, ...]) -> tuple[Trashed, ...]:
    """Those that nobody has brought back, to be asked under the lock."""
    removed = dict(_removed(connection))
    return tuple(item for item in items if removed.get(item.entry.id) == item.removed)


def _refuse_in_doubt(layout: Layout, *, dry_run: bool) -> None:
    """Of an attribute that is damaged, or that the index does not name, the trash may have the last sound copy."""
    wrong = _doubts(layout)
    if wrong and not dry_run:
        with index.writing(layout.index):  # somebody may just have been at work; now nobody is
            wrong = _doubts(layout)
    if wrong:
        raise CorruptArtifactError(
            f"Nothing is deleted while {len(wrong)} attributes are damaged or unknown, {wrong[0].item[:12]} for one.",
            "Run: attrbank verify --repair; what it cannot mend, take away with: attrbank rm ID",
        )


def _doubts(layout: Layout) -> list[Finding]:
    """Nothing else counts: not cards, notes and the matrix, nor what is damaged in the trash and would go anyhow."""
    found = upkeep.verify(layout, {})
    with index.reading(layout.index) as connection:
        removed = dict(connection.execute("SELECT id, removed IS NOT NULL FROM versions").fetchall())
    # A file that lies where it was, though its row says it was removed, is that of a removal that was interrupted.
    damaged = [f for f in found if removed.get(f.item) == 0 and f.state != "ok"]
    return damaged + [f for f in found if f.state == "orphan" and "/" not in f.item and f.item not in removed]


def _delete(layout: Layout, identity: str, *, told: bool) -> None:
    """The file goes first: what a kill leaves is a row without a file, of which the next prune takes care.

    What is said of the attribute stays if it is to be ``told`` further.
    """
    places = (layout.object(identity), layout.trashed(identity))  # the former after a removal that was interrupted
    for path in (
        *places,
        *(() if told else (layout.card(identity), layout.annotation(identity), layout.preview(identity))),
    ):
        _fs.remove(path)


def _forget(connection: sqlite3.Connection, tables: Sequence[str], identities: Sequence[str]) -> None:
    for table in tables:
        statement = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608 — only constants of ours are put in
        connection.executemany(statement, [(identity,) for identity in identities])


def _removed(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT id, removed FROM versions WHERE removed IS NOT NULL").fetchall()


def _age(removed: str) -> float | None:
    """A date that cannot be read, or lies ahead, says nothing."""
    try:
        age = (datetime.now(UTC) - datetime.fromisoformat(removed)).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(age, 0.0)
