"""What is written to the index, inside a transaction that the caller has open."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from attrbank.errors import InvalidValueError

_CURRENT = """
SELECT id FROM versions JOIN (SELECT id FROM artifacts) USING (id) WHERE name = ? AND current AND removed IS NULL
"""


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
    if not replace and current(connection, name) not in {None, identity}:
        raise taken(name)
    created = connection.execute("SELECT created FROM versions WHERE id = ?", (identity,)).fetchone()
    connection.execute("UPDATE versions SET current = 0 WHERE name = ?", (name,))
    write_artifact(connection, facts)
    write_version(connection, identity, name, created[0] if created else now(), is_current=True)


def taken(name: str) -> InvalidValueError:
    """The error for a name that is in use."""
    return InvalidValueError(
        f"There is an attribute {name!r} already.", "Choose another name, or add --replace; the old one is kept."
    )


def state(connection: sqlite3.Connection, identity: str) -> Literal["present", "removed", "unknown"]:
    """How an artifact stands, as of now: to be asked again under the lock, before anything of it is moved."""
    row = connection.execute("SELECT removed FROM versions WHERE id = ?", (identity,)).fetchone()
    if row is None:
        return "unknown"
    return "present" if row[0] is None else "removed"


def retire(connection: sqlite3.Connection, identity: str) -> None:
    """Marks an attribute as removed."""
    values = {"removed": now(), "current": 0}
    _table(connection, "versions").update(identity, values)


def readmit(connection: sqlite3.Connection, identity: str, name: str) -> None:
    """Marks an attribute as there again; it gets its bare name back if that is free."""
    free = current(connection, name) is None
    if free:
        connection.execute("UPDATE versions SET current = 0 WHERE name = ?", (name,))
    _table(connection, "versions").update(identity, {"removed": None, "current": int(free)})


def write_artifact(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    """Enters the derived facts of an artifact, over any that are there."""
    _table(connection, "artifacts").insert(dict(facts), replace=True)


def write_card(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    """Enters the derived facts of a card, over any that are there."""
    _table(connection, "cards").insert(dict(facts), replace=True)


def write_version(
    connection: sqlite3.Connection,
    identity: str,
    name: str,
    created: str,
    *,
    is_current: bool,
    removed: str | None = None,
) -> None:
    """Enters the kept facts of an artifact, over any that are there."""
    values = {"id": identity, "name": name, "created": created, "current": int(is_current), "removed": removed}
    _table(connection, "versions").insert(values, replace=True)


def _table(connection: sqlite3.Connection, name: str) -> Any:
    from sqlite_utils import Database

    return Database(connection, execute_plugins=False)[name]
