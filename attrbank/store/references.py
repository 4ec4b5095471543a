"""Finds the attribute that a reference means, or says what comes near."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from attrbank.errors import NotFoundError
from attrbank.names import Reference
from attrbank.store.catalogue import select
from attrbank.store.entry import Entry

_PREFIX_IS = "id BETWEEN ? AND ? || 'g'"
"""Ids are hex digits, of which none comes after "f"; so an index finds them."""
_LISTED = 8
_NEIGHBOURS = 500
"""So many names to either side are looked at for one that was meant."""


def find(connection: sqlite3.Connection, reference: Reference) -> Entry:
    """The one attribute in the catalogue that is meant.

    Raises:
        NotFoundError: there is none, or several; the hint lists them or the nearest names.
    """
    if not reference.pinned:
        named = select(connection, "WHERE name = ? AND current AND removed IS NULL", (reference.name,))
        if named:
            return named[0]
    return _only(
        connection, reference, _also_called(connection, reference) or _pinned(connection, reference, "removed IS NULL")
    )


def _also_called(connection: sqlite3.Connection, reference: Reference) -> tuple[Entry, ...]:
    """What has the name as an alias; together with an id, a former name will do."""
    kind, prefix = ("", reference.prefix) if reference.pinned else ("AND NOT former", "")
    query = f"SELECT id FROM aliases WHERE name = ? AND {_PREFIX_IS} {kind}"  # noqa: S608
    ids = connection.execute(query, (reference.name, prefix, prefix)).fetchall()
    return tuple(entry for each in ids for entry in select(connection, "WHERE removed IS NULL AND id = ?", each))


def find_removed(connection: sqlite3.Connection, reference: Reference) -> Entry:
    """The removed attribute that is meant; of several with the same name, the one removed last.

    Raises:
        NotFoundError: there is none, or several ids begin so.
    """
    if not reference.pinned:
        tail = "WHERE name = ? AND removed IS NOT NULL ORDER BY removed DESC LIMIT 1"
        named = select(connection, tail, (reference.name,))
        if named:
            return named[0]
    found = _pinned(connection, reference, "removed IS NOT NULL")
    if not found:
        raise NotFoundError(f"No removed attribute is called {reference.text!r}.", _removed_names(connection))
    return _only(connection, reference, found)


def versions(connection: sqlite3.Connection, name: str) -> tuple[Entry, ...]:
    """All attributes of that name that can be reached, the one that the bare name means first, then the newest."""
    return select(connection, "WHERE name = ? AND removed IS NULL ORDER BY current DESC, created DESC, id", (name,))


def _pinned(connection: sqlite3.Connection, reference: Reference, state: str) -> tuple[Entry, ...]:
    if reference.prefix is None:
        return ()
    tail, parameters = f"WHERE {_PREFIX_IS} AND {state}", [reference.prefix, reference.prefix]
    if reference.pinned:
        return select(connection, f"{tail} AND name = ?", [*parameters, reference.name])
    return select(connection, tail, parameters)


def _only(connection: sqlite3.Connection, reference: Reference, found: Sequence[Entry]) -> Entry:
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError(f"{reference.text!r} may mean {len(found)} attributes.", f"Write {_choices(found)}.")
    raise NotFoundError(f"There is no attribute {reference.text!r}.", _suggestion(connection, reference))


def _suggestion(connection: sqlite3.Connection, reference: Reference) -> str:
    import difflib

    same_name = versions(connection, reference.name or "")
    if same_name:
        return f"Write {_choices(same_name)}."
    if reference.name and select(connection, "WHERE name = ? AND removed IS NOT NULL LIMIT 1", (reference.name,)):
        return f"It was removed. Run: attrbank restore {reference.name}"
    near = difflib.get_close_matches(reference.name or "", _names_around(connection, reference.name or ""))
    return f"Did you mean {' or '.join(near)}?" if near else "Run: attrbank list"


def _names_around(connection: sqlite3.Connection, name: str) -> list[str]:
    """Names and aliases before and after one in the alphabet: of a hundred thousand, comparing all takes seconds."""
    found = connection.execute("SELECT name FROM starter").fetchall()
    for side, order in (("<", "DESC"), (">", "ASC")):
        for table, rows in (("versions", "current"), ("aliases", "NOT former")):
            query = f"SELECT name FROM {table} WHERE {rows} AND name {side} ? ORDER BY name {order} LIMIT ?"  # noqa: S608
            found += connection.execute(query, (name, _NEIGHBOURS)).fetchall()
    return sorted({near for (near,) in found})


def _removed_names(connection: sqlite3.Connection) -> str:
    names = [name for (name,) in connection.execute("SELECT DISTINCT name FROM catalogue WHERE removed IS NOT NULL")]
    return f"Removed: {', '.join(sorted(names)[:_LISTED])}." if names else "The trash is empty."


def _choices(entries: Sequence[Entry]) -> str:
    shown = [entry.reference for entry in entries[:_LISTED]]
    rest = [f"{len(entries) - _LISTED} more"] if len(entries) > _LISTED else []
    return " or ".join(shown + rest)
