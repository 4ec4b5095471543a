"""Rebuilds a bank's index from its files.

Nearly all of the work is reading and hashing, which is done while others may work on the bank; under the lock only what
has changed since is read again, and only rows that differ are written.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from attrbank import files
from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.store import _fs, blobs, index, ledger, notes, upkeep
from attrbank.store.layout import Layout, identity_of, shards
from attrbank.store.rereading import Rereader
from attrbank.store.upkeep_cards import Facts, read_card, read_cards, reindex_cards
from attrbank.store.upkeep_notes import NoteFile, names_in, read_note, read_notes, reindex_notes


@dataclass(frozen=True)
class Rebuilt:
    """What ``reindex`` did, by id.

    Attributes:
        kept: artifacts that the index names now.
        adopted: those of them that it did not name before.
        lost: artifacts that it named, but whose files are gone; it does not name them any more.
        damaged: files that are not valid artifacts; they stay where they are.
    """

    kept: tuple[str, ...]
    adopted: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


class _Scanned(NamedTuple):
    facts: Mapping[str, Any]
    created: str


class _Seen(NamedTuple):
    """What the files of a bank tell.

    Attributes:
        here: sound artifacts, by id.
        gone: the same in the trash.
        unsound: ids of all that are damaged, here or there.
        damaged: ids of those that are damaged here.
        cards: what cards tell, by id.
        notes: the files of annotations.
    """

    here: Mapping[str, _Scanned]
    gone: Mapping[str, _Scanned]
    unsound: frozenset[str]
    damaged: frozenset[str]
    cards: Mapping[str, Facts]
    notes: tuple[NoteFile, ...]


class _Files:
    """The files of a bank; a second look reads those alone that have changed since the first."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        artifact: Rereader[_Scanned | None] = Rereader(_scanned)
        card: Rereader[Facts] = Rereader(lambda path: read_card(layout, path))
        note: Rereader[NoteFile] = Rereader(lambda path: read_note(layout, path))
        self._artifacts = Rereader(lambda folder: _scan(folder, artifact))
        self._cards = Rereader(lambda _: read_cards(layout, card))
        self._notes = Rereader(lambda _: read_notes(layout, note))

    def look(self) -> _Seen:
        """All that they tell, as of now."""
        layout = self._layout
        read = self._notes(layout.annotations)
        here = self._in(shards(layout), names_in(read))
        gone = self._in([layout.trash], names_in(read))
        damaged = frozenset(identity for identity, found in here.items() if found is None)
        unsound = damaged | {identity for identity, found in gone.items() if found is None}
        return _Seen(_sound(here), _sound(gone), unsound, damaged, self._cards(layout.cards), read)

    def _in(self, folders: list[Path], given: Mapping[str, str]) -> dict[str, _Scanned | None]:
        """Artifacts in some folders by id, under the names that users have given them."""
        scanned: dict[str, _Scanned | None] = {}
        for folder in folders:
            scanned |= self._artifacts(folder)
        for identity, name in given.items():
            if found := scanned.get(identity):
                scanned[identity] = found._replace(facts=notes.called(found.facts, name))
        return scanned


def reindex(layout: Layout, *, forget: bool = True) -> Rebuilt:
    """Rebuilds the index in one transaction, and finishes removals that were interrupted.

    Args:
        layout: the bank.
        forget: take attributes whose files are gone out of the index. Where they are not to be forgotten, what the
            index names and the trash alone has stays named.

    Raises:
        AttrbankError: the bank is busy, unwritable or of a newer schema.
    """
    _set_damaged_index_aside(layout)
    bank_files = _Files(layout)
    bank_files.look()
    with index.writing(layout.index) as connection:
        _salvage_versions(connection, layout)
        known = {row[0] for row in connection.execute("SELECT id FROM versions")}
        seen = bank_files.look()
        lost = known - (seen.here.keys() | seen.gone.keys() | seen.unsound)
        kept_rows = set() if forget else known - _removed(connection)
        _forget(connection, lost if forget else set())
        only_gone = {i: seen.gone[i] for i in seen.gone.keys() - seen.here.keys() - kept_rows}
        _write_differing(connection, {**seen.here, **only_gone})
        _enter(connection, seen.here, known)
        _enter_removed(connection, only_gone, known)
        removed = _removed(connection)
        reindex_cards(connection, seen.cards)
        reindex_notes(connection, seen.notes)
        for identity in removed & seen.here.keys():  # while nobody can bring it back
            _fs.move(layout.object(identity), layout.trashed(identity))
    _sweep(layout)
    kept = seen.here.keys() - removed
    return Rebuilt(*(tuple(sorted(ids)) for ids in (kept, kept - known, lost, seen.damaged)))


def _scan(folder: Path, read: Callable[[Path], _Scanned | None]) -> dict[str, _Scanned | None]:
    """The artifacts in a folder by id; None is one that is damaged."""
    return {identity: read(path) for path in _fs.list_folder(folder) if (identity := identity_of(path))}


def _sound(scanned: Mapping[str, _Scanned | None]) -> dict[str, _Scanned]:
    return {identity: found for identity, found in scanned.items() if found}


def _scanned(path: Path) -> _Scanned | None:
    """What an artifact tells; None if it is damaged."""
    try:
        return _Scanned(upkeep.facts_of(path, blobs.get(path).data), _modified(path))
    except AttrbankError:
        return None


def _set_damaged_index_aside(layout: Layout) -> None:
    if not os.path.exists(layout.index) or not _is_damaged(layout):
        return
    journal = layout.index.with_name(f"{layout.index.name}-journal")
    _fs.move(journal, layout.trash / f"{layout.damaged_index.name}-journal")  # it must not be replayed in a new index
    _fs.move(layout.index, layout.damaged_index)


def _is_damaged(layout: Layout) -> bool:
    try:
        if not index.is_blank(layout.index):
            upkeep.require_readable(layout)
    except CorruptArtifactError:
        return True
    return False


def _salvage_versions(connection: sqlite3.Connection, layout: Layout) -> None:
    """Takes dates and current versions over from a damaged index; what was removed, the trash tells."""
    if not os.path.exists(layout.damaged_index) or connection.execute("SELECT 1 FROM versions").fetchone():
        return
    for identity, name, created, is_current in _readable_versions(layout.damaged_index):
        ledger.write_version(connection, identity, name, created, is_current=is_current)


def _readable_versions(path: Path) -> Iterator[tuple[str, str, str, bool]]:
    try:
        rows = upkeep.versions(path)
    except AttrbankError:
        return
    for identity, name, created, current in rows:
        if all(isinstance(value, str) for value in (identity, name, created)):
            yield identity, name, created, bool(current)


def _modified(path: Path) -> str:
    chunk = _fs.read_start(path, 0)
    modified = chunk.modified if chunk else 0.0
    return datetime.fromtimestamp(modified, UTC).isoformat(timespec="milliseconds")


def _forget(connection: sqlite3.Connection, identities: Collection[str]) -> None:
    for table in ("artifacts", "versions"):
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(identity,) for identity in identities])  # noqa: S608


def _enter(connection: sqlite3.Connection, scanned: Mapping[str, _Scanned], known: set[str]) -> None:
    """Newest first, so that of several unknown versions the newest gets the name, if nothing has it yet."""
    newest_first = sorted(scanned.items(), key=lambda item: (item[1].created, item[0]), reverse=True)
    called = _called(connection)
    for identity, (facts, created) in newest_first:
        if identity not in known:
            ledger.write_version(connection, identity, facts["name"], created, is_current=True)
        elif called[identity] != facts["name"]:
            ledger.call(connection, identity, facts["name"])


def _enter_removed(connection: sqlite3.Connection, scanned: Mapping[str, _Scanned], known: set[str]) -> None:
    removed, called = _removed(connection), _called(connection)
    for identity, (facts, created) in scanned.items():
        if identity not in known:
            ledger.write_version(connection, identity, facts["name"], created, is_current=False, removed=ledger.now())
        elif identity not in removed:
            ledger.retire(connection, identity)
        if identity in known and called[identity] != facts["name"]:
            ledger.call(connection, identity, facts["name"])


def _write_differing(connection: sqlite3.Connection, scanned: Mapping[str, _Scanned]) -> None:
    """Writes the rows of artifacts that the index does not have so."""
    there = {facts["id"]: facts for facts in upkeep.indexed_facts(connection)}
    for identity, (facts, _) in scanned.items():
        if there.get(identity) != facts:
            ledger.write_artifact(connection, facts)


def _called(connection: sqlite3.Connection) -> dict[str, str]:
    """What the index calls each artifact, by id."""
    return dict(connection.execute("SELECT id, name FROM versions").fetchall())


def _removed(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT id FROM versions WHERE removed IS NOT NULL")}


def _sweep(layout: Layout) -> None:
    for folder in (*shards(layout), layout.cards, layout.annotations, layout.previews, layout.root):
        files.sweep(folder)
