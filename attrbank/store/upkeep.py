"""Compares a bank's index with its artifacts, and tells what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrbank.errors import AttrbankError
from attrbank.store import _fs, blobs, index, notes
from attrbank.store.entry import DERIVED, derive
from attrbank.store.finding import Finding, State, state_of
from attrbank.store.header import parse_header
from attrbank.store.layout import Layout, identity_of, object_files
from attrbank.store.previews import verify_previews
from attrbank.store.upkeep_cards import indexed_cards, verify_cards, verify_matrix
from attrbank.store.upkeep_notes import indexed_notes, names_in, read_notes, verify_notes

TELLS_OTHERWISE = "The index tells something else. Run: attrbank reindex"


def verify(layout: Layout, shipped: Mapping[str, str]) -> tuple[Finding, ...]:
    """Checks a user's bank: every artifact in the index first, then every other file, then what was measured.

    Args:
        layout: the bank.
        shipped: names of the starter bank's attributes, by id.

    Raises:
        AttrbankError: the index cannot be read.
    """
    rows, removed = _indexed(layout)
    files = object_files(layout)
    noted, read = _indexed_notes(layout.index), read_notes(layout)
    given = names_in(read)
    indexed = [_check_row(layout.object(row["id"]), row, given) for row in rows]
    known = {layout.object(row["id"]) for row in rows}
    stray = [_check_stray(path) for path in files if path not in known]
    names = {**shipped, **{identity: name for identity, name, *_ in versions(layout.index)}}
    measured = verify_cards(layout, "user", names, _indexed_cards(layout.index))
    said = verify_notes(layout, read, names, noted)
    shown = verify_previews(layout, "user", names)
    gone = _in_trash(layout, names, {row["id"]: row for row in removed}, given)
    return (*indexed, *stray, *gone, *measured, *said, *shown, *verify_matrix(layout, "user"))


def verify_starter(layout: Layout) -> tuple[Finding, ...]:
    """Checks every file of a starter bank against its name, and what was measured."""
    found = [_check_shipped(path) for path in object_files(layout)]
    names = {finding.item: finding.name for finding in found if finding.name}
    told = (*verify_cards(layout, "starter", names), *verify_previews(layout, "starter", names))
    return (*found, *told, *verify_matrix(layout, "starter"))


def require_readable(layout: Layout) -> None:
    """Reads all that an index tells.

    Raises:
        CorruptArtifactError: it is damaged.
        AttrbankError: it cannot be read.
    """
    _indexed(layout)
    versions(layout.index)
    _indexed_cards(layout.index)
    _indexed_notes(layout.index)


def indexed_facts(connection: sqlite3.Connection, tail: str = "") -> Iterator[dict[str, Any]]:
    """The derived facts of artifacts as the index has them, picked by the end of an SQL statement."""
    for row in connection.execute(f"SELECT {', '.join(DERIVED)} FROM artifacts {tail}"):  # noqa: S608
        yield dict(zip(DERIVED, row, strict=True))


def versions(path: Path) -> list[tuple[str, str, str, int]]:
    """Id, name, date and whether the name means it, of every artifact in an index."""
    with index.reading(path) as connection:
        return list(connection.execute("SELECT id, name, created, current FROM versions"))


def _indexed(layout: Layout) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the index tells of what is there, and of what was removed."""
    with index.reading(layout.index) as connection:
        _check_pages(connection, layout)
        kept = "WHERE id IN (SELECT id FROM versions WHERE removed IS {}) ORDER BY name"
        there, gone = (list(indexed_facts(connection, kept.format(state))) for state in ("NULL", "NOT NULL"))
        return there, gone


def _check_pages(connection: sqlite3.Connection, layout: Layout) -> None:
    if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise index.damaged(layout.index)


def _check_row(path: Path, row: Mapping[str, Any], given: Mapping[str, str]) -> Finding:
    """A name that the user gave and the index does not have is the annotation's to tell, and harms nothing."""
    state, facts, detail = _inspect(path)
    if state == "ok" and _differs(row, facts, given):
        state, detail = "misindexed", TELLS_OTHERWISE
    return Finding(state, row["id"], row["name"], "user", detail)


def _differs(row: Mapping[str, Any], facts: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    return notes.called(facts, row["name"] if row["id"] in given else None) != row


def _check_stray(path: Path) -> Finding:
    if identity_of(path) is None:
        return Finding("leftover", path.name, None, "user", "Left by an interrupted write, or not ours.")
    state, facts, detail = _inspect(path)
    if state == "ok":
        state, detail = "orphan", "The index does not name it. Run: attrbank reindex"
    return Finding(state, path.stem, facts.get("name"), "user", detail)


def _in_trash(
    layout: Layout, names: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> Iterator[Finding]:
    """What ``restore`` could not bring back, or would call otherwise; what is sound there is no item of the bank."""
    for path in _fs.list_folder(layout.trash):
        identity = identity_of(path)
        if identity is None:
            continue
        state, facts, detail = _inspect(path)
        if identity in rows and state == "ok" and _differs(rows[identity], facts, given):
            state, detail = "misindexed", TELLS_OTHERWISE
        if state != "ok":
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
        facts = facts_of(path, chunk.data)
    except AttrbankError as error:
        return state_of(error), {}, error.message
    if blobs.identify(chunk.data) != path.stem:
        return "modified", facts, "Its bytes do not match its id."
    return "ok", facts, ""


def facts_of(path: Path, data: bytes) -> dict[str, Any]:
    """The derived facts of an artifact in a file that is named by its id; raises as ``blobs.get``."""
    from attrbank.store.record import validated_record

    record = validated_record(parse_header(data)).model_dump(mode="json")
    return derive(path.stem, record, len(data))


def _indexed_cards(path: Path) -> dict[str, Mapping[str, Any]]:
    with index.reading(path) as connection:
        return indexed_cards(connection)


def _indexed_notes(path: Path) -> dict[str, tuple[object, ...]]:
    with index.reading(path) as connection:
        return indexed_notes(connection)
