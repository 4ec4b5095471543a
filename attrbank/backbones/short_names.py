"""Short names that a user gives to models: ``sd15`` for a folder, a checkpoint file or a hub id.

They are one small JSON file in the user's configuration directory, name -> reference. Registered backbones go first,
so a name cannot change what another user's command means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from attrbank import files
from attrbank.errors import InvalidValueError, NotFoundError, StorageError
from attrbank.names import validate_name
from attrbank.text import printable

LONGEST_REFERENCE = 4096

CONFIG_MARK = "#config="
"""Stands between a checkpoint file and the model that it takes its configuration from: one text says both."""


def table_path() -> Path:
    """``attrbank/backbones.json`` in the user's configuration directory."""
    return files.user_folder("config") / "backbones.json"


def read_table() -> Mapping[str, str]:
    """All short names and what they stand for, in order of the names; none if there is no file.

    Raises:
        InvalidValueError: the file is not such a table.
        StorageError: it cannot be read.
    """
    path = table_path()
    try:
        table = json.loads(files.read_text(path))
        return {validate_name(name): _validated(reference) for name, reference in sorted(table.items())}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{printable(str(path))} cannot be read: {error.strerror}.") from error
    except (ValueError, AttributeError, RecursionError, InvalidValueError) as error:
        raise InvalidValueError(
            f"{printable(str(path))} is not a table of short names: {error}.", hint="Mend it, or delete it."
        ) from error


def add(name: str, reference: str) -> None:
    """Give a model a short name; one that is taken is given to the new model.

    Raises:
        InvalidValueError: the name or the reference is malformed.
        StorageError: the table cannot be written.
    """
    _write({**read_table(), validate_name(name): _validated(reference)})


def remove(name: str) -> None:
    """Forget a short name; the model stays where it is.

    Raises:
        NotFoundError: there is no such short name.
        StorageError: the table cannot be written.
    """
    table = dict(read_table())
    if name not in table:
        raise NotFoundError(f"{printable(name)!r} is not a short name.", hint="See attrbank backbones.")
    del table[name]
    _write(table)


def _write(table: Mapping[str, str]) -> None:
    path = table_path()
    files.make_folder(path.parent)
    files.replace(path, (json.dumps(table, indent=2, sort_keys=True) + "\n").encode())


def _validated(reference: object) -> str:
    if not isinstance(reference, str) or not 1 <= len(reference) <= LONGEST_REFERENCE or "\0" in reference:
        raise InvalidValueError(f"a reference has 1 to {LONGEST_REFERENCE} characters and no NUL")
    return reference
