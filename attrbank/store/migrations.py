"""The index's schema, as numbered steps that are never edited once released.

``artifacts`` holds what the artifacts themselves tell, ``cards`` what was measured of them, ``annotations`` and
``aliases`` what users say of them; all may be dropped and rebuilt at any time. ``versions`` holds what they cannot
tell: when they came, which one a name means, and when they were removed.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from attrbank.errors import IncompatibleError
from attrbank.store.entry import CALIBRATED, MEASURED

if TYPE_CHECKING:
    from sqlite_utils import Database


NEEDED = "0.1.0"
"""The oldest attrbank that may open an index of the last step."""


def m001_create_tables(database: Database) -> None:
    """Artifacts, versions, and the oldest attrbank that may open the index."""
    text, whole, real = str, int, float
    derived = {
        **dict.fromkeys(("id", "name", "method", "vectors", "core", "solver", "source", "target", "document"), text),
        **dict.fromkeys(("t_x", "delta_tau", "unit", "guidance_scale"), real),
        **dict.fromkeys(("seed", "k", "rank", "steps", "size_bytes"), whole),
        **dict.fromkeys(("seeds", "backbone", "sampler"), text),
    }
    database["artifacts"].create(derived, pk="id", not_null={"name", "document", "size_bytes"})
    versions = {"id": text, "name": text, "created": text, "current": whole, "removed": text}
    database["versions"].create(versions, pk="id", not_null={"name", "created", "current"})
    database.execute("CREATE UNIQUE INDEX one_current_version ON versions (name) WHERE current")
    database["versions"].create_index(["name"])
    database["needs"].create({"attrbank": text}, pk="attrbank")
    database["needs"].insert({"attrbank": NEEDED})


def m002_tell_what_was_measured(database: Database) -> None:
    """What attributes' cards tell, and what calibrations do."""
    database["cards"].create({"id": str, **dict.fromkeys(MEASURED, float)}, pk="id")
    for column in CALIBRATED:
        database["artifacts"].add_column(column, float)


def m003_tell_what_users_say(database: Database) -> None:
    """Tags, as a JSON array, notes, and other names."""
    database["annotations"].create({"id": str, "tags": str, "note": str}, pk="id")
    database["aliases"].create({"name": str, "id": str, "former": int}, pk=("name", "id"))


STEPS = (m001_create_tables, m002_tell_what_was_measured, m003_tell_what_users_say)
SCHEMA_VERSION = len(STEPS)


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the schema up to date, inside the transaction that is open on the connection.

    Raises:
        IncompatibleError: a newer attrbank has been here.
    """
    if schema_version(connection) == SCHEMA_VERSION:
        return
    from sqlite_utils import Database, Migrations

    migrations = Migrations("attrbank")
    for step in STEPS:
        migrations(name=step.__name__)(step)
    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def make_readable(connection: sqlite3.Connection) -> None:
    """Lets an index of an older schema be read without being changed: what it lacks is empty."""
    version = schema_version(connection)
    if version == SCHEMA_VERSION:
        return
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("CREATE TEMP TABLE annotations (id, tags, note)")
    connection.execute("CREATE TEMP TABLE aliases (name, id, former)")
    if version < 2:
        unknown = ", ".join(f"NULL AS {column}" for column in CALIBRATED)
        connection.execute(f"CREATE TEMP TABLE cards (id, {', '.join(MEASURED)})")
        connection.execute(f"CREATE TEMP VIEW artifacts AS SELECT *, {unknown} FROM main.artifacts")  # noqa: S608


def schema_version(connection: sqlite3.Connection) -> int:
    """The number of steps that the index has seen; 0 for a new file.

    Raises:
        IncompatibleError: it has seen more than this attrbank knows.
        sqlite3.DatabaseError: the number is damaged.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        (needed,) = connection.execute("SELECT attrbank FROM needs").fetchone() or (NEEDED,)
        if needed == NEEDED:
            raise sqlite3.DatabaseError("the schema's version contradicts its contents")
        raise IncompatibleError(
            f"The bank was written by a newer attrbank (schema {version}, here {SCHEMA_VERSION}).",
            f"It needs attrbank >= {needed}.",
        )
    return version
