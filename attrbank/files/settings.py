"""The user's settings: one TOML file in the configuration directory, with defaults and with short names for models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrbank import files
from attrbank.errors import InvalidValueError, NotFoundError, StorageError
from attrbank.text import printable

NAMES = {
    "backbone": "What learn learns on where no --backbone is named; portraits if this is not set.",
    "bank": "The bank where neither --bank nor ATTRBANK_BANK names one.",
}
"""The settings there are, and what they are for."""

SHORT_NAMES = "backbones"
"""The table of short names in the same file."""


def path() -> Path:
    """``attrbank/config.toml`` in the user's configuration directory."""
    return files.user_folder("config") / "config.toml"


def get(name: str) -> str | None:
    """What a setting is set to; None if it is not. Raises as ``read``."""
    value = read().get(name)
    if value is not None and not (isinstance(value, str) and value and "\0" not in value):
        raise _damaged(f"{name} is no text")
    return value


def read() -> Mapping[str, Any]:
    """All that the file holds; nothing if there is none.

    Raises:
        InvalidValueError: the file is no TOML.
        StorageError: it cannot be read.
    """
    text = _text()
    if not text:  # most have no such file, and need no parser
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error)) from error


def change(name: str, value: str | None, table: str | None = None) -> None:
    """Set an entry of the file, or of a table in it; None removes it. Comments and whatever else is there stay.

    Raises:
        InvalidValueError: the file is damaged, and left alone.
        NotFoundError: what is to be removed is not there.
        StorageError: it cannot be written.
    """
    read()
    import tomlkit

    document = tomlkit.parse(_text())
    if table is not None and table not in document:
        document[table] = tomlkit.table()
    place: Any = document if table is None else document[table]
    if value is not None:
        place[name] = value
    elif name in place:
        del place[name]
    else:
        raise NotFoundError(f"{printable(name)!r} is not set.", hint="See attrbank config.")
    files.make_folder(path().parent)
    files.replace(path(), tomlkit.dumps(document).encode())


def validate(name: str) -> str:
    """The name itself, if there is such a setting.

    Raises:
        InvalidValueError: there is not.
    """
    if name not in NAMES:
        raise InvalidValueError(f"There is no setting {printable(name)!r}.", hint=f"There are {' and '.join(NAMES)}.")
    return name


def _text() -> str:
    try:
        return files.read_text(path())
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise _damaged("it is no UTF-8") from error
    except OSError as error:
        raise StorageError(f"{printable(str(path()))} cannot be read: {error.strerror}.") from error


def _damaged(reason: str) -> InvalidValueError:
    return InvalidValueError(
        f"{printable(str(path()))} is damaged: {printable(reason)}.", hint="Mend it, or delete it."
    )
