"""What is written to the index, inside a transaction that the caller has open."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from attrbank.errors import InvalidValueError
from attrbank.store import notes
from attrbank.store.entry import DOCUMENT
from attrbank.store.layout import Layout

if TYPE_CHECKING:  # pydantic models are slow to import
    from attrbank.schema.annotated import Annotation

_CURRENT = """
SELECT id FROM versions JOIN (SELECT id FROM artifacts) USING (id) WHERE name = ? AND current AND removed IS NULL
"""


_ALIAS_OF_ANOTHER = """
SELECT id FROM aliases WHERE name = ? AND NOT former AND id IS NOT ?
AND NOT EXISTS (SELECT 1 FROM versions WHERE versions.id = aliases.id AND removed IS NOT NULL)
"""


class NameTakenError(InvalidValueError):
    """A name means another attribute already.

    Args:
        name: that name.
        message: as of any error.
        hint: likewise.
    """

    def __init__(self, name: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.name = name


def now() -> str:
    """The time in UTC as ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def current(connection: sqlite3.Connection, name: str) -> str | None:
    """The id of the user's attribute that the bare name means."""
    row = connection.execute(_CURRENT, (name,)).fetchone()
    return str(row[0]) if row else None


def admit(connection: sqlite3.Connection, facts: Mapping[str, Any], *, replace: bool) -> None:
    """Enters an artifact and lets its name mean it; the version before stays, without the bare name.

    Raises:
        InvalidValueError: the name means another one already, and ``replace`` is off.
    """
    name, identity = facts["name"], facts["id"]
    if not replace:
        require_free(connection, name, identity)
    created = connection.execute("SELECT created FROM versions WHERE id = ?", (identity,)).fetchone()
    connection.execute("UPDATE versions SET current = 0 WHERE name = ?", (name,))
    write_artifact(connection, facts)
    write_version(connection, identity, name, created[0] if created else now(), is_current=True)


def require_free(
    connection: sqlite3.Connection, name: str, identity: str | None = None, *, replaceable: bool = True
) -> None:
    """Does nothing if a name means no attribute of the user's but this one.

    Args:
        connection: to the index.
        name: what is to mean it.
        identity: its id; None if it has none yet.
        replaceable: whether who asks could also have told that the name is to be taken away.

    Raises:
        InvalidValueError: it means another, or is another's alias.
    """
    hint = "Choose another name, or add --replace; the old one is kept." if replaceable else "Choose another name."
    if current(connection, name) not in {None, identity}:
        raise NameTakenError(name, f"There is an attribute {name!r} already.", hint)
    owner = connection.execute(_ALIAS_OF_ANOTHER, (name, identity)).fetchone()
    if owner:
        raise NameTakenError(name, f"{name!r} is an alias of {owner[0][:12]}.", hint)


def state(connection: sqlite3.Connection, identity: str) -> Literal["present", "removed", "unknown"]:
    """How an artifact stands, as of now: to be asked again under the lock, before anything of it is moved."""
    row = connection.execute("SELECT removed FROM versions WHERE id = ?", (identity,)).fetchone()
    if row is None:
        return "unknown"
    return "present" if row[0] is None else "removed"


def retire(connection: sqlite3.Connection, identity: str) -> None:
    """Marks an attribute as removed."""
    connection.execute("UPDATE versions SET removed = ?, current = 0 WHERE id = ?", (now(), identity))


def readmit(connection: sqlite3.Connection, identity: str, name: str) -> None:
    """Marks an attribute as there again; it gets its bare name back if that is free."""
    free = current(connection, name) is None
    if free:
        connection.execute("UPDATE versions SET current = 0 WHERE name = ?", (name,))
    connection.execute("UPDATE versions SET removed = NULL, current = ? WHERE id = ?", (int(free), identity))


def write_artifact(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    """Enters the derived facts of an artifact, over any that are there."""
    _put(connection, "artifacts", facts)


def write_card(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    """Enters the derived facts of a card, over any that are there."""
    _put(connection, "cards", facts)


def write_annotation(connection: sqlite3.Connection, annotation: Annotation) -> None:
    """Enters what the user says of an attribute, in the place of all that was there."""
    told, names = notes.rows(annotation)
    connection.execute("DELETE FROM aliases WHERE id = ?", (annotation.id,))
    _put(connection, "annotations", told)
    for name in names:
        _put(connection, "aliases", name)


def annotate(connection: sqlite3.Connection, layout: Layout, annotation: Annotation) -> None:
    """Keeps an annotation that came from elsewhere, without the aliases that mean another attribute here."""
    free = tuple(name for name in annotation.aliases if _is_free(connection, name, annotation.id))
    kept = annotation.model_copy(update={"aliases": free})
    notes.put(layout, kept)
    write_annotation(connection, kept)


def _is_free(connection: sqlite3.Connection, name: str, identity: str) -> bool:
    try:
        require_free(connection, name, identity)
    except InvalidValueError:
        return False
    return True


def call(connection: sqlite3.Connection, identity: str, name: str) -> None:
    """Gives an attribute another name, and lets the bare name mean it if that is free."""
    free = current(connection, name) in {None, identity}
    if free:
        connection.execute("UPDATE versions SET current = 0 WHERE name = ?", (name,))
    statement = "UPDATE versions SET name = ?, current = CASE WHEN removed IS NULL THEN ? ELSE 0 END WHERE id = ?"
    connection.execute(statement, (name, int(free), identity))
    row = connection.execute("SELECT name, document FROM artifacts WHERE id = ?", (identity,)).fetchone()
    if row:
        facts = notes.called(dict(zip(("name", DOCUMENT), row, strict=True)), name)
        connection.execute("UPDATE artifacts SET name = ?, document = ? WHERE id = ?", (*facts.values(), identity))


def write_version(
    connection: sqlite3.Connection,
    identity: str,
    name: str,
    created: str,
    *,
    is_current: bool,
    removed: str | None = None,
) -> None:
    """Enters the kept facts of an artifact, over any that are there.

    It gets no bare name that another has: SQLite would replace that one's row too.
    """
    query = "SELECT 1 FROM versions WHERE name = ? AND current AND id IS NOT ?"
    free = connection.execute(query, (name, identity)).fetchone() is None
    values = {"id": identity, "name": name, "created": created, "current": int(is_current and free), "removed": removed}
    _put(connection, "versions", values)


def _put(connection: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> None:
    """Writes a row in the place of any with the same key; of a hundred thousand, each must be quick."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    statement = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 — names of ours alone
    connection.execute(statement, tuple(values.values()))
