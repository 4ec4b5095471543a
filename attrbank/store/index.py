"""How the SQLite index is opened, and what its errors mean.

Reads use stdlib sqlite3, read-only. Every write is one IMMEDIATE transaction in rollback-journal mode, durable when it
returns: no lock outlives its process, and a killed one is rolled back by whoever comes next.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from attrbank.errors import AttrbankError, BankBusyError, CorruptArtifactError, StorageError
from attrbank.store.migrations import make_readable, migrate, schema_version

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process."""

_PRIMARY = 0xFF  # the low byte of an SQLite error code names its kind


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to an index, which looks as if it had today's schema.

    Raises:
        BankBusyError: another process holds it for longer than the timeout.
        StorageError: it cannot be read, or needs a recovery that read-only media forbid.
        IncompatibleError: a newer attrbank has written it.
        CorruptArtifactError: it is damaged.
    """
    with translated_errors(path), closing(_open_reader(path)) as connection:
        if schema_version(connection) == 0:
            raise damaged(path)
        make_readable(connection)
        yield connection


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside one IMMEDIATE transaction, committed durably at the end or rolled back.

    The file and its tables are made if need be.

    Raises:
        BankBusyError: another process holds the bank for longer than the timeout.
        StorageError: the disk is full, read-only or unwritable.
        IncompatibleError: a newer attrbank has written it.
        CorruptArtifactError: it is damaged.
    """
    with translated_errors(path), closing(_connect(path, "rwc")) as connection:
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("BEGIN IMMEDIATE")
        try:
            migrate(connection)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def is_blank(path: Path) -> bool:
    """Whether there is no index yet: no file, or one whose first transaction was never committed.

    Raises:
        AttrbankError: as ``reading`` does.
    """
    if not os.path.exists(path):
        return True
    with translated_errors(path), closing(_open_reader(path)) as connection:
        return schema_version(connection) == 0


def damaged(path: Path) -> CorruptArtifactError:
    """The error that says how to mend an index."""
    mend = f"Run: attrbank reindex --bank {shlex.quote(str(path.parent))}"
    return CorruptArtifactError(f"The index {path} is damaged or missing.", mend)


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into ours."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # a mistake of ours, not the index's
    except sqlite3.Error as error:
        raise _translated(path, error) from error
    except UnicodeDecodeError as error:  # a text in it is none
        raise damaged(path) from error


def _open_reader(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path, "ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
    _recover(path)
    return _connect(path, "ro")


def _recover(path: Path) -> None:
    """A writer was killed: opening the index once for writing rolls its journal back."""
    try:
        _connect(path, "rw").close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY not in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
            raise
        raise StorageError(
            f"The index {path} must recover from an interrupted write, but its disk is read-only.",
            "Run: attrbank list, once, where the bank can be written; or copy the bank together with index.db-journal.",
        ) from error


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    for file in (path, path.with_name(f"{path.name}-journal"), path.with_name(f"{path.name}-wal")):
        _require_regular(file)
    address = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        _refuse_foreign(connection)  # the first read, which finds journals and garbage
    except BaseException:
        connection.close()
        raise
    connection.row_factory = _row
    return connection


def _require_regular(path: Path) -> None:
    """SQLite would wait for ever at a FIFO."""
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"Cannot open {path}: {error.strerror}.", "Choose another bank with --bank.") from error
    raise StorageError(f"{path} is not a regular file.", "Choose another bank with --bank.")


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """Ours has tables and indices alone: a view would lie to us, and a trigger act on what we write."""
    query = "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index')"
    if connection.execute(query).fetchone()[0]:
        raise sqlite3.DatabaseError("there are triggers or views in it")


def _row(_cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Ours holds numbers and texts: bytes in their place would come out as something else than they went in."""
    if bytes in map(type, row):
        raise sqlite3.DatabaseError("there are bytes in it")
    return row


def _translated(path: Path, error: sqlite3.Error) -> AttrbankError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return BankBusyError(f"Another process is writing to the bank {path.parent}.", "Try again when it is done.")
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"Cannot write {path}: the disk is full.", "Free some space and try again.")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StorageError(f"Cannot open {path}: {error}.", "Choose another bank with --bank.")
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(f"Cannot read or write {path}: {error}.", "Check the disk and its free space.")
    return damaged(path)
