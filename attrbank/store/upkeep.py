"""Compares a bank's index with its artifacts, and rebuilds the one from the others."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from attrbank import files
from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.files import GRACE
from attrbank.store import _fs, blobs, cards, index, ledger, notes
from attrbank.store.entry import DERIVED, derive
from attrbank.store.finding import Finding, State, state_of
from attrbank.store.header import parse_header
from attrbank.store.layout import Layout, identity_of, object_files
from attrbank.store.previews import preview_files, verify_previews
from attrbank.store.upkeep_cards import indexed_cards, reindex_cards, verify_cards, verify_matrix
from attrbank.store.upkeep_notes import indexed_notes, names_in, read_notes, reindex_notes, verify_notes


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


def verify(layout: Layout, shipped: Mapping[str, str]) -> tuple[Finding, ...]:
    """Checks a user's bank: every artifact in the index first, then every other file, then what was measured.

    Args:
        layout: the bank.
        shipped: names of the starter bank's attributes, by id.

    Raises:
        AttrbankError: the index cannot be read.
    """
    rows = _indexed(layout)
    files = object_files(layout)
    noted, read = _indexed_notes(layout.index), read_notes(layout)
    given = names_in(read)
    indexed = [_check_row(layout.object(row["id"]), row, given) for row in rows]
    known = {layout.object(row["id"]) for row in rows}
    stray = [_check_stray(path) for path in files if path not in known]
    names = {**shipped, **{identity: name for identity, name, *_ in _versions(layout.index)}}
    measured = verify_cards(layout, "user", names, _indexed_cards(layout.index))
    said = verify_notes(layout, read, names, noted)
    shown = verify_previews(layout, "user", names)
    return (*indexed, *stray, *_rotten(layout, names), *measured, *said, *shown, *verify_matrix(layout, "user"))


def verify_starter(layout: Layout) -> tuple[Finding, ...]:
    """Checks every file of a starter bank against its name, and what was measured."""
    found = [_check_shipped(path) for path in object_files(layout)]
    names = {finding.item: finding.name for finding in found if finding.name}
    told = (*verify_cards(layout, "starter", names), *verify_previews(layout, "starter", names))
    return (*found, *told, *verify_matrix(layout, "starter"))


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
    with index.writing(layout.index) as connection:
        _salvage_versions(connection, layout)
        known = {row[0] for row in connection.execute("SELECT id FROM versions")}
        read = read_notes(layout)
        given = names_in(read)
        here, damaged = _scan(object_files(layout), given)
        gone, spoilt = _scan([layout.trash / name for name in _fs.list_folder(layout.trash)], given)
        present = here.keys() | gone.keys() | damaged | spoilt
        lost = known - present
        kept_rows = set() if forget else known - _removed(connection)
        _forget(connection, lost if forget else set())
        _enter(connection, here, known)
        _enter_removed(
            connection, {identity: gone[identity] for identity in gone.keys() - here.keys() - kept_rows}, known
        )
        removed = _removed(connection)
        reindex_cards(connection, layout)
        reindex_notes(connection, read)
        for identity in removed & here.keys():  # while nobody can bring it back
            _fs.move(layout.object(identity), layout.trashed(identity))
    _sweep(layout)
    kept = here.keys() - removed
    return Rebuilt(*(tuple(sorted(ids)) for ids in (kept, kept - known, lost, damaged)))


def _indexed(layout: Layout) -> list[dict[str, Any]]:
    columns = ", ".join(DERIVED)
    query = f"SELECT {columns} FROM artifacts WHERE id IN (SELECT id FROM versions WHERE removed IS NULL) ORDER BY name"  # noqa: S608
    with index.reading(layout.index) as connection:
        _check_pages(connection, layout)
        return [dict(zip(DERIVED, row, strict=True)) for row in connection.execute(query)]


def _check_pages(connection: sqlite3.Connection, layout: Layout) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise index.damaged(layout.index)


def _check_row(path: Path, row: Mapping[str, Any], given: Mapping[str, str]) -> Finding:
    """A name that the user gave and the index does not have is the annotation's to tell, and harms nothing."""
    state, facts, detail = _inspect(path)
    if state == "ok" and notes.called(facts, row["name"] if row["id"] in given else None) != row:
        state, detail = "misindexed", "The index tells something else. Run: attrbank reindex"
    return Finding(state, row["id"], row["name"], "user", detail)


def _check_stray(path: Path) -> Finding:
    if identity_of(path) is None:
        return Finding("leftover", path.name, None, "user", "Left by an interrupted write, or not ours.")
    state, facts, detail = _inspect(path)
    if state == "ok":
        state, detail = "orphan", "The index does not name it. Run: attrbank reindex"
    return Finding(state, path.stem, facts.get("name"), "user", detail)


def _rotten(layout: Layout, names: Mapping[str, str]) -> Iterator[Finding]:
    """What ``restore`` could not bring back from the trash; what is sound there is no item of the bank."""
    for path in (layout.trash / name for name in _fs.list_folder(layout.trash)):
        identity = identity_of(path)
        state, _, detail = _inspect(path) if identity else ("ok", {}, "")
        if identity and state != "ok":
            yield Finding(state, f"{layout.trash.name}/{path.name}", names.get(identity), "user", detail)


def _check_shipped(path: Path) -> Finding:
    if identity_of(path) is None:
        return Finding("leftover", path.name, None, "starter", "Not an artifact.")
    state, facts, detail = _inspect(path)
    return Finding(state, path.stem, facts.get("name"), "starter", detail)


def _inspect(path: Path) -> tuple[State, dict[str, Any], str]:
    """The state of one file by itself, the facts it tells (none if it is not an artifact), and a detail."""
    try:
        chunk = _fs.read_start(path, blobs.MAX_ARTIFACT)
        if chunk is None:
            return "missing", {}, "Put back a good copy of the file, or learn it again."
        facts = _facts(path, chunk.data)
    except AttrbankError as error:
        return state_of(error), {}, error.message
    if blobs.identify(chunk.data) != path.stem:
        return "modified", facts, "Its bytes do not match its id."
    return "ok", facts, ""


def _facts(path: Path, data: bytes) -> dict[str, Any]:
    from attrbank.store.record import validated_record

    record = validated_record(parse_header(data)).model_dump(mode="json")
    return derive(path.stem, record, len(data))


def _set_damaged_index_aside(layout: Layout) -> None:
    if not os.path.exists(layout.index) or not _is_damaged(layout):
        return
    journal = layout.index.with_name(f"{layout.index.name}-journal")
    _fs.move(journal, layout.trash / f"{layout.damaged_index.name}-journal")  # it must not be replayed in a new index
    _fs.move(layout.index, layout.damaged_index)


def _is_damaged(layout: Layout) -> bool:
    try:
        if not index.is_blank(layout.index):
            _indexed(layout)
            _versions(layout.index)
            _indexed_cards(layout.index)
            _indexed_notes(layout.index)
    except CorruptArtifactError:
        return True
    return False


def _versions(path: Path) -> list[tuple[str, str, str, int]]:
    with index.reading(path) as connection:
        return list(connection.execute("SELECT id, name, created, current FROM versions"))


def _indexed_cards(path: Path) -> dict[str, Mapping[str, Any]]:
    with index.reading(path) as connection:
        return indexed_cards(connection)


def _indexed_notes(path: Path) -> dict[str, tuple[object, ...]]:
    with index.reading(path) as connection:
        return indexed_notes(connection)


def _salvage_versions(connection: sqlite3.Connection, layout: Layout) -> None:
    """Takes dates and current versions over from a damaged index; what was removed, the trash tells."""
    if not os.path.exists(layout.damaged_index) or connection.execute("SELECT 1 FROM versions").fetchone():
        return
    for identity, name, created, is_current in _readable_versions(layout.damaged_index):
        ledger.write_version(connection, identity, name, created, is_current=is_current)


def _readable_versions(path: Path) -> Iterator[tuple[str, str, str, bool]]:
    try:
        rows = _versions(path)
    except AttrbankError:
        return
    for identity, name, created, current in rows:
        if all(isinstance(value, str) for value in (identity, name, created)):
            yield identity, name, created, bool(current)


def _scan(paths: list[Path], given: Mapping[str, str]) -> tuple[dict[str, _Scanned], set[str]]:
    sound, damaged = {}, set()
    for path in paths:
        identity = identity_of(path)
        if identity is None:
            continue
        try:
            facts = notes.called(_facts(path, blobs.get(path).data), given.get(identity))
        except AttrbankError:
            damaged.add(identity)
            continue
        sound[identity] = _Scanned(facts, _modified(path))
    return sound, damaged


def _modified(path: Path) -> str:
    chunk = _fs.read_start(path, 0)
    modified = chunk.modified if chunk else 0.0
    return datetime.fromtimestamp(modified, UTC).isoformat(timespec="milliseconds")


def _forget(connection: sqlite3.Connection, identities: set[str]) -> None:
    for table in ("artifacts", "versions"):
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(identity,) for identity in identities])  # noqa: S608


def _enter(connection: sqlite3.Connection, scanned: Mapping[str, _Scanned], known: set[str]) -> None:
    """Newest first, so that of several unknown versions the newest gets the name, if nothing has it yet."""
    for identity, (facts, created) in sorted(scanned.items(), key=lambda item: (item[1].created, item[0]))[::-1]:
        ledger.write_artifact(connection, facts)
        if identity not in known:
            ledger.write_version(connection, identity, facts["name"], created, is_current=True)
        elif _called(connection, identity) != facts["name"]:
            ledger.call(connection, identity, facts["name"])


def _enter_removed(connection: sqlite3.Connection, scanned: Mapping[str, _Scanned], known: set[str]) -> None:
    removed = _removed(connection)
    for identity, (facts, created) in scanned.items():
        ledger.write_artifact(connection, facts)
        if identity not in known:
            ledger.write_version(connection, identity, facts["name"], created, is_current=False, removed=ledger.now())
        elif identity not in removed:
            ledger.retire(connection, identity)
        if _called(connection, identity) != facts["name"]:
            ledger.call(connection, identity, facts["name"])


def _called(connection: sqlite3.Connection, identity: str) -> str:
    return str(connection.execute("SELECT name FROM versions WHERE id = ?", (identity,)).fetchone()[0])


def _removed(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT id FROM versions WHERE removed IS NOT NULL")}


def _sweep(layout: Layout) -> None:
    top = [layout.root / name for name in _fs.list_folder(layout.root)]
    for path in (
        *object_files(layout),
        *cards.card_files(layout),
        *notes.note_files(layout),
        *preview_files(layout),
        *top,
    ):
        chunk = _fs.read_start(path, 0) if path.suffix == files.TEMPORARY_SUFFIX else None
        if chunk and time.time() - chunk.modified > GRACE:
            _fs.remove(path)
