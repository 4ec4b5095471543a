"""What a bank holds, seen through one view: the user's attributes over the starter bank's."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.names import parse_strength
from attrbank.store import _fs, blobs, cards, index
from attrbank.store.entry import DERIVED, DOCUMENT, FIELDS, MEASURED, Entry, derive, entry_from_json
from attrbank.store.layout import Layout, identity_of, object_files

_DERIVED, _MEASURED = ", ".join(DERIVED), ", ".join(MEASURED)
_RANGE = "coalesce(calibrated_low, usable_low) AS usable_low, coalesce(calibrated_high, usable_high) AS usable_high"
_CALLED = ", ".join("called AS name" if name == "name" else name for name in DERIVED)
"""Its row calls an attribute what its facts do; but of the rows, an index knows the names."""
_VIEW = f"""
CREATE TEMP VIEW catalogue AS
SELECT {_CALLED}, score, {_RANGE}, coalesce(tags, '[]') AS tags, 'user' AS origin, created, current, removed
FROM artifacts JOIN (SELECT id, name AS called, created, current, removed FROM versions) USING (id)
LEFT JOIN cards USING (id) LEFT JOIN annotations USING (id)
UNION ALL
SELECT {_DERIVED}, score, {_RANGE}, coalesce(tags, '[]'), 'starter', NULL, NOT EXISTS (
    SELECT 1 FROM versions JOIN artifacts USING (id) WHERE versions.name = starter.name AND current
), NULL
FROM starter LEFT JOIN starter_cards USING (id) LEFT JOIN annotations USING (id)
WHERE NOT EXISTS (SELECT 1 FROM versions WHERE versions.id = starter.id AND removed IS NULL)
"""  # noqa: S608 — only constants of ours are put in, here and below
_DOCUMENT = """
json_set(
    document, '$.origin', origin, '$.created', created,
    '$.score', score, '$.usable_low', usable_low, '$.usable_high', usable_high,
    '$.current', json(CASE WHEN current THEN 'true' ELSE 'false' END), '$.tags', json(tags)
)
"""
MOST_FIRST = 1000
"""So many rows can be had without looking at the others; SQLite takes no list of any length."""
_FIRST = """
SELECT id FROM (
    SELECT versions.id FROM versions JOIN artifacts USING (id) WHERE current ORDER BY versions.name LIMIT ?
) UNION SELECT id FROM starter
"""
_NAMES = """
SELECT name FROM versions WHERE current AND name >= :from AND name < :to
UNION SELECT name FROM aliases WHERE NOT former AND name >= :from AND name < :to
UNION SELECT name FROM starter WHERE name >= :from AND name < :to
ORDER BY name LIMIT :most
"""
_COUNT_ALL = """
SELECT (SELECT count(*) FROM versions WHERE current)
     + (SELECT count(*) FROM catalogue WHERE origin = 'starter' AND current AND removed IS NULL)
"""
_NUMBERS = {"t_x", "delta_tau", "seed", "k", "rank", "unit", "steps", "guidance_scale", "size_bytes", *MEASURED}
_TEXTS = set(FIELDS) - _NUMBERS - {"current", "pairs"}
_TAG = "tag"
_HAS_TAG = "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)"
_CONDITION = re.compile(r"([a-z_]+)(!=|<=|>=|=|<|>|~)(.*)", re.DOTALL)
_OPERATORS = {"=": "IS", "!=": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Condition(NamedTuple):
    """One ``--filter``, as an SQL expression with one parameter."""

    expression: str
    value: str | float


@contextmanager
def catalogue(layout: Layout, starter: Layout | None) -> Iterator[sqlite3.Connection]:
    """A read-only connection with the view ``catalogue``; a bank that does not exist yet is empty.

    Raises:
        AttrbankError: the bank is a file, busy, damaged or unreadable, as ``index.reading`` tells.
    """
    with index.translated_errors(layout.index), _user_index(layout) as connection:
        connection.execute("PRAGMA temp_store = MEMORY")
        _read_starter(connection, starter)
        connection.execute(_VIEW)
        yield connection


def select(connection: sqlite3.Connection, tail: str, parameters: Sequence[object]) -> tuple[Entry, ...]:
    """The entries that the end of an SQL statement picks from the catalogue."""
    return tuple(entry_from_json(text) for (text,) in select_rows(connection, [DOCUMENT], tail, parameters))


def only(connection: sqlite3.Connection, identity: str) -> Entry:
    """The entry of an attribute that was there just now.

    Raises:
        NotFoundError: somebody else has deleted it since.
    """
    for entry in select(connection, "WHERE id = ?", (identity,)):
        return entry
    raise NotFoundError(f"{identity[:12]} has just been deleted by somebody else.")


def select_rows(
    connection: sqlite3.Connection, fields: Sequence[str], tail: str, parameters: Sequence[object]
) -> list[tuple[Any, ...]]:
    """What ``select`` gives, each entry as the values of some fields; the field ``document`` is all of it as JSON.

    Raises:
        InvalidValueError: there is no such field.
    """
    for field in fields:
        if field not in _NUMBERS | _TEXTS | {DOCUMENT}:
            raise InvalidValueError(f"There is no field {field[:80]!a}.", _known_fields().capitalize())
    columns = ", ".join(_DOCUMENT if field == DOCUMENT else field for field in fields)
    return connection.execute(f"SELECT {columns} FROM catalogue {tail}", parameters).fetchall()  # noqa: S608


def first_rows(connection: sqlite3.Connection, fields: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
    """What a list by name begins with, found without looking at the rest."""
    ids = [identity for (identity,) in connection.execute(_FIRST, (limit,))]
    tail = f"WHERE id IN ({', '.join('?' * len(ids))}) AND current AND removed IS NULL ORDER BY name, id LIMIT ?"
    return select_rows(connection, fields, tail, [*ids, limit])


def first_then_others(connection: sqlite3.Connection, fields: Sequence[str]) -> Iterator[Sequence[Any]]:
    """The list by name, of which the first rows are had at once; no lock is held while one is waiting for its reader.

    What a writer changes between the first rows and the others may be missed.
    """
    first = first_rows(connection, ["name", *fields], MOST_FIRST)
    yield from (values for _, *values in first)
    if len(first) == MOST_FIRST:
        tail = "WHERE name > ? AND current AND removed IS NULL ORDER BY name, id"
        yield from select_rows(connection, fields, tail, first[-1][:1])


def names_from(connection: sqlite3.Connection, beginning: str) -> list[str]:
    """Names that begin so, in their order, at most ``MOST_FIRST``; found without looking at the others."""
    found = connection.execute(_NAMES, {"from": beginning, "to": f"{beginning}~", "most": MOST_FIRST})
    return [name for (name,) in found]


def count_all(connection: sqlite3.Connection) -> int:
    """How many attributes a list without filters has, counted from an index alone."""
    return int(connection.execute(_COUNT_ALL).fetchone()[0])


def picked(filters: Sequence[str], sort: str, limit: int | None) -> tuple[str, list[str | float]]:
    """The end of the SQL statement for a list, with its parameters; a limit of None is none.

    Raises:
        InvalidValueError: a filter or the sort is malformed.
    """
    clause, parameters = where(filters)
    return f"{clause} {order_by(sort)} LIMIT ?", [*parameters, -1 if limit is None else limit]


def where(filters: Sequence[str]) -> tuple[str, list[str | float]]:
    """The WHERE clause for what ``list`` shows, with its parameters.

    Raises:
        InvalidValueError: a filter is malformed.
    """
    conditions = [parse_filter(text) for text in filters]
    clause = " AND ".join(["current", "removed IS NULL", *(condition.expression for condition in conditions)])
    return f"WHERE {clause}", [condition.value for condition in conditions]


def order_by(sort: str) -> str:
    """The ORDER BY clause for ``FIELD``, ``FIELD:asc`` or ``FIELD:desc``; the unknown comes last, ties go by name.

    Raises:
        InvalidValueError: there is no such field or direction.
    """
    field, _, direction = sort.partition(":")
    if field not in _NUMBERS | _TEXTS or direction not in {"", "asc", "desc"}:
        raise InvalidValueError(f"Cannot sort by {sort[:80]!a}.", f"Write FIELD or FIELD:desc; {_known_fields()}")
    return f"ORDER BY {field} {direction} NULLS LAST, name, id"


def parse_filter(text: str) -> Condition:
    """Reads ``FIELD OP VALUE`` without blanks, such as ``t_x<0.5``, ``core=mean``, ``source~person`` or ``tag=face``.

    Raises:
        InvalidValueError: the filter is malformed.
    """
    found = _CONDITION.fullmatch(text)
    if found and found[1] == _TAG and found[2] in {"=", "!="}:
        return Condition(_HAS_TAG if found[2] == "=" else f"NOT {_HAS_TAG}", found[3])
    if not found or found[1] not in _NUMBERS | _TEXTS:
        hint = f"Write FIELD=VALUE, or with one of != < <= > >= and ~ for 'contains'; {_known_fields()}"
        raise InvalidValueError(f"{text[:80]!a} is not a filter.", hint)
    field, operator, value = found.groups()
    if operator == "~":
        return Condition(f"instr(lower({field}), lower(?))", value)
    return Condition(f"{field} {_OPERATORS[operator]} ?", parse_strength(value) if field in _NUMBERS else value)


def starter_facts(starter: Layout) -> list[tuple[object, ...]]:
    """The derived facts of the starter bank's artifacts, from their headers alone; damaged ones are for ``verify``."""
    rows = []
    for path in object_files(starter):
        identity = identity_of(path)
        try:
            header, size = blobs.get_header(path)
            facts = derive(identity or "", header.record(), size)
        except AttrbankError:
            continue
        rows.append(tuple(facts[name] for name in DERIVED))
    return rows


def _read_starter(connection: sqlite3.Connection, starter: Layout | None) -> None:
    connection.execute(f"CREATE TEMP TABLE starter ({_DERIVED})")
    connection.execute(f"CREATE TEMP TABLE starter_cards (id PRIMARY KEY, {_MEASURED})")
    if starter:
        _fill(connection, "starter", starter_facts(starter))
        _fill(connection, "starter_cards", cards.shipped_facts(starter))
        # A card of the user's own beats the one that was shipped.
        connection.execute(f"REPLACE INTO starter_cards SELECT id, {_MEASURED} FROM cards JOIN starter USING (id)")  # noqa: S608


def _fill(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608


@contextmanager
def _user_index(layout: Layout) -> Iterator[sqlite3.Connection]:
    if not require_index(layout):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            connection.execute(f"CREATE TABLE artifacts ({_DERIVED})")
            connection.execute("CREATE TABLE versions (id, name, created, current, removed)")
            connection.execute(f"CREATE TABLE cards (id, {_MEASURED})")
            connection.execute("CREATE TABLE annotations (id, tags, note)")
            connection.execute("CREATE TABLE aliases (name, id, former)")
            yield connection
        return
    with index.reading(layout.index) as connection:
        yield connection


def require_index(layout: Layout) -> bool:
    """Whether there is an index; a bank without artifacts may do without.

    Raises:
        CorruptArtifactError: there are artifacts, but the index is gone.
        StorageError: the bank is a file.
    """
    if _fs.is_folder(layout.root) and not index.is_blank(layout.index):
        return True
    if any(identity_of(path) for path in object_files(layout)):
        raise index.damaged(layout.index)
    return False


def prepare(layout: Layout) -> None:
    """Creates a bank if need be.

    The index comes before the first artifact, so that a bank with artifacts and no index is surely damaged.

    Raises:
        CorruptArtifactError: there are artifacts, but the index is gone.
        StorageError: the bank is a file, or cannot be written.
    """
    if not require_index(layout):
        if not _fs.is_folder(layout.root):
            _fs.make_folder(layout.root)
        with index.writing(layout.index):
            pass


def _known_fields() -> str:
    return f"the fields are {', '.join(sorted(_NUMBERS | _TEXTS))}."
