"""Files in YAML, as far as anybody needs it for this: tables, lists and texts.

What YAML has beyond that is refused with its line: anchors, with which a small file can mean a huge one, and tags,
which say what to make of a value. An unquoted value is what the core schema of YAML 1.2 makes of it
(https://yaml.org/spec/1.2.2/), in which ``no`` is a word and ``1:30`` is no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrbank.errors import InvalidValueError
from attrbank.learning.fleet.row import Row, place, rows_of_tables
from attrbank.text import printable

DEEPEST = 8
"""Tables in tables. Ours are three; a parser that follows more of them runs out of stack."""

_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,99}|[0-9]{1,99}(\.[0-9]{0,99})?)([eE][-+]?[0-9]{1,9})?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

LIKE = "As in: attributes:, below it smile:, and below that source: and target:, each further in."


def yaml_rows(file: Path, text: str) -> Iterator[Row]:
    """The rows of a file.

    Raises:
        InvalidValueError: it is no YAML, or more than that; or not as it should be.
    """
    import yaml  # most files are TOML

    reader = _Reader(file, yaml)
    try:
        found = reader.whole(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = place(file, mark.line + 1) if mark else printable(file.name)
        why = printable(getattr(error, "problem", None) or str(error).partition("\n")[0])
        raise InvalidValueError(f"{where}: this is not YAML: {why}.", hint=LIKE) from error
    if not isinstance(found, dict):
        raise InvalidValueError(f"{place(file, 1)}: there are no defaults: and attributes: here.", hint=LIKE)
    return rows_of_tables(file, found, reader.lines, LIKE)


class _Reader:
    """Makes tables of a parser's events, and takes down the line of each key.

    Args:
        file: for errors.
        yaml: the library.
    """

    def __init__(self, file: Path, yaml: Any) -> None:
        self._file, self._yaml, self.lines = file, yaml, dict[tuple[str, ...], int]()

    def whole(self, events: Iterator[Any]) -> object:
        """All of a file; None if nothing is in it."""
        y, found = self._yaml, None
        for number, event in enumerate(_between(events, y.StreamStartEvent, y.StreamEndEvent)):
            if isinstance(event, y.DocumentStartEvent) and number:
                raise self._wrong(event, "a second document begins")
            if not isinstance(event, y.DocumentStartEvent | y.DocumentEndEvent):
                found = self._value(event, events, ())
        return found

    def _value(self, event: Any, events: Iterator[Any], path: tuple[str, ...]) -> object:
        y = self._yaml
        if isinstance(event, y.AliasEvent) or event.anchor:
            raise self._wrong(event, "anchors are not read; what is said of all belongs below defaults")
        if event.tag:
            raise self._wrong(event, "tags are not read")
        if len(path) > DEEPEST:
            raise self._wrong(event, f"something lies more than {DEEPEST} deep")
        if isinstance(event, y.MappingStartEvent):
            return self._table(_between(events, None, y.MappingEndEvent), events, path)
        if isinstance(event, y.SequenceStartEvent):
            return [self._value(item, events, (*path, "")) for item in _between(events, None, y.SequenceEndEvent)]
        return event.value if event.style else _of_plain(event.value)

    def _table(self, inside: Iterator[Any], events: Iterator[Any], path: tuple[str, ...]) -> dict[str, object]:
        table: dict[str, object] = {}
        for key in inside:
            if not isinstance(key, self._yaml.ScalarEvent) or key.anchor or key.tag:
                raise self._wrong(key, "a key is no word")
            if key.value in table:
                raise self._wrong(key, f"{printable(key.value)} is named a second time")
            here = (*path, key.value)
            self.lines[here] = key.start_mark.line + 1
            table[key.value] = self._value(next(events), events, here)
        return table

    def _wrong(self, event: Any, what: str) -> InvalidValueError:
        return InvalidValueError(f"{place(self._file, event.start_mark.line + 1)}: {what}.", hint=LIKE)


def _between(events: Iterator[Any], begin: type | None, end: type) -> Iterator[Any]:
    """Events up to the one that ends this."""
    for event in events:
        if isinstance(event, end):
            return
        if begin is None or not isinstance(event, begin):
            yield event


def _of_plain(text: str) -> object:
    """What an unquoted value means."""
    if text in _WORDS or text in {"Null", "NULL", "True", "TRUE", "False", "FALSE"}:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
