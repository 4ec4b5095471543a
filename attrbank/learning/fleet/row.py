"""A row of a file that says what to learn, with its place in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.text import printable

LIKE = "As in: [attributes.smile], and below it source and target, one a line."

Lines: TypeAlias = Mapping[tuple[str, ...], int]
"""The line of every table and key, by its path."""


@dataclass(frozen=True)
class Row:
    """One attribute as a file has it, with what the file says of all.

    Attributes:
        file, line: where it begins; lines count from 1.
        name: of the attribute.
        values: by key.
        lines: of the keys.
    """

    file: Path
    line: int
    name: str
    values: Mapping[str, object]
    lines: Mapping[str, int]

    def wrong(self, error: AttrbankError, key: str | None = None) -> AttrbankError:
        """The same error, with the place in the file that it is about: that of a key, or of the row."""
        line = self.line if key is None else self.lines.get(key, self.line)
        return type(error)(f"{place(self.file, line)}, {printable(self.name)}: {error.message}", error.hint)


def place(file: Path, line: int) -> str:
    """As ``attributes.toml, line 12``."""
    return f"{printable(file.name)}, line {line}"


def rows_of_tables(file: Path, found: dict[str, Any], lines: Lines, like: str = LIKE) -> Iterator[Row]:
    """The rows of a file whose tables are ``defaults`` and ``attributes``.

    Args:
        file: for errors.
        found: its tables.
        lines: theirs.
        like: how it should look.

    Raises:
        InvalidValueError: there are others, or they are no tables.
    """
    common, attributes = found.pop("defaults", {}), found.pop("attributes", {})
    for name, table in (*found.items(), ("defaults", common), ("attributes", attributes)):
        if name in found or not isinstance(table, dict):
            line = lines.get((name,), 1)
            raise InvalidValueError(
                f"{place(file, line)}: there are [defaults] and [attributes.NAME], and no {printable(name)} as here.",
                hint=like,
            )
    of_defaults = {key: lines.get(("defaults", key), 1) for key in common}
    for name, own in attributes.items():
        line = lines.get(("attributes", name), 1)
        if not isinstance(own, dict):
            raise InvalidValueError(f"{place(file, line)}: {printable(name)} is no table.", hint=like)
        of_own = {key: lines.get(("attributes", name, key), line) for key in own}
        yield Row(file, line, name, {**common, **own}, {**of_defaults, **of_own})
