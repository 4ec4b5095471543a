"""Short names that a user gives to models: ``sd15`` for a folder, a checkpoint file or a hub id.

They are a table of the user's settings, name -> reference. Registered backbones go first,
so a name cannot change what another user's command means.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.files import settings
from attrbank.names import validate_name
from attrbank.text import printable

LONGEST_REFERENCE = 4096

CONFIG_MARK = "#config="
"""Stands between a checkpoint file and the model that it takes its configuration from: one text says both."""


def read_table() -> Mapping[str, str]:
    """All short names and what they stand for, in order of the names.

    Raises:
        InvalidValueError: the file of settings is damaged, or there is no such table in it.
        StorageError: it cannot be read.
    """
    table = settings.read().get(settings.SHORT_NAMES, {})
    try:
        return {validate_name(name): _validated(reference) for name, reference in sorted(table.items())}
    except (AttributeError, InvalidValueError) as error:
        raise InvalidValueError(
            f"{printable(str(settings.path()))} has no table of short names: {error}.", hint="Mend it, or delete it."
        ) from error


def add(name: str, reference: str) -> None:
    """Give a model a short name; one that is taken is given to the new model.

    Raises:
        InvalidValueError: the name or the reference is malformed.
        StorageError: the table cannot be written.
    """
    read_table()
    settings.change(validate_name(name), _validated(reference), settings.SHORT_NAMES)


def remove(name: str) -> None:
    """Forget a short name; the model stays where it is.

    Raises:
        NotFoundError: there is no such short name.
        StorageError: the table cannot be written.
    """
    if name not in read_table():
        raise NotFoundError(f"{printable(name)!r} is not a short name.", hint="See attrbank backbones.")
    settings.change(name, None, settings.SHORT_NAMES)


def _validated(reference: object) -> str:
    if not isinstance(reference, str) or not 1 <= len(reference) <= LONGEST_REFERENCE or "\0" in reference:
        raise InvalidValueError(f"a reference has 1 to {LONGEST_REFERENCE} characters and no NUL")
    return reference
