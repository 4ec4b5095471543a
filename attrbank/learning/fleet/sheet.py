"""Files that say what to learn: TOML, YAML or CSV, as rows whose lines are known."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from attrbank import files
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.learning.fleet.of_yaml import yaml_rows
from attrbank.learning.fleet.row import LIKE, Row, place, rows_of_tables
from attrbank.text import printable

LARGEST = 2**22
"""Bytes of a file that is read: some ten thousand attributes."""

MOST = 10_000

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]")
_DEPTH, _LONGEST_KEY = 3, 400
"""Of a path, the parts whose lines are asked for, and the most characters: what is longer is nobody's key."""

_PARTS = 8
"""The most parts of a key. Ours have three; a parser keeps all beginnings of one, n²/2 parts."""

_WORDS = re.compile(r'''"""(?:\\.|[^\\])*?"""|\'{3}.*?\'{3}|"(?:\\[^\n]|[^"\\\n])*+"|'[^'\n]*+'|#[^\n]*+''', re.DOTALL)
"""Strings, which quoted parts of a key are, too, and comments."""

_DEEP = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{_PARTS}}}")


def rows_of(file: Path) -> list[Row]:
    """All rows of a file; what kind it is, its ending says.

    Raises:
        InvalidValueError: it is none of TOML, YAML and CSV, not as these should be, empty, or far too long.
        NotFoundError: there is no such file.
        StorageError: it cannot be read.
    """
    if not file.is_file():  # a pipe would have its reader wait
        raise NotFoundError(f"There is no file {printable(str(file))}.")
    read = _READERS.get(file.suffix.lower())
    if read is None:
        kinds = ", ".join(_READERS)
        raise InvalidValueError(f"{printable(file.name)} ends in none of {kinds}.", hint=f"Write it as one. {LIKE}")
    rows = list(read(file, _text_of(file)))
    if not rows:
        raise InvalidValueError(f"{printable(file.name)} names no attribute.", hint=LIKE)
    if len(rows) > MOST:
        raise InvalidValueError(f"{printable(file.name)} names {len(rows)} attributes, and {MOST} are the most.")
    return rows


def _text_of(file: Path) -> str:
    with files.reading(file):
        if file.stat().st_size > LARGEST:
            raise InvalidValueError(f"{printable(file.name)} is far too long: {LARGEST >> 20} MiB are the most.")
        content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidValueError(f"{place(file, line)}: this is not UTF-8.") from error


def _toml(file: Path, text: str) -> Iterator[Row]:
    _require_flat(file, text)
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidValueError(f"{printable(file.name)} is not TOML: {printable(str(error))}.", hint=LIKE) from error
    yield from rows_of_tables(file, found, _lines_of_toml(text))


def _require_flat(file: Path, text: str) -> None:
    """Refuse a key of so many parts that parsing it would take gigabytes."""
    bare = _WORDS.sub(lambda word: "" if word[0][0] == "#" else "_" + "\n" * word[0].count("\n"), text)
    if deep := _DEEP.search(bare):
        line = bare.count("\n", 0, deep.start()) + 1
        raise InvalidValueError(f"{place(file, line)}: a key has more than {_PARTS} parts.", hint=LIKE)


def _lines_of_toml(text: str) -> dict[tuple[str, ...], int]:
    """The line of every table and key, by its path; what a reader of TOML does not tell.

    It goes by how people write: a line that begins a table, or a key. Where that is not so, the line is the table's.
    """
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.match(line)
        path = _path(header[1]) if header else (*table, *_path(line.partition("=")[0]))
        if header:
            table = path
        for length in range(1, min(len(path), _DEPTH) + 1):
            lines.setdefault(path[:length], number)
    return lines


def _path(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted key, by the one who knows how they are quoted; none if it is no key."""
    if len(dotted) > _LONGEST_KEY:
        return ()
    try:
        found: object = tomllib.loads(f"{dotted.strip()} = 0")
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    path = []
    while isinstance(found, dict) and found:  # a comment is no key
        ((key, found),) = found.items()
        path.append(key)
    return tuple(path)


def _csv(file: Path, text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [(column or "").strip() for column in reader.fieldnames or ()]
        if "name" not in columns:
            raise InvalidValueError(f"{place(file, 1)}: no column is called name.", hint="As in: name,source,target")
        if again := next((column for column in columns if column and columns.count(column) > 1), None):
            raise InvalidValueError(f"{place(file, 1)}: two columns are called {printable(again)}.")
        reader.fieldnames = columns
        for cells in reader:
            line = reader.line_num
            if None in cells:
                raise InvalidValueError(f"{place(file, line)}: there are more cells than columns.")
            given = {key: cell.strip() for key, cell in cells.items() if cell and cell.strip()}
            name = given.pop("name", "")
            values = {key: _of_cell(key, cell) for key, cell in given.items()}
            yield Row(file, line, name, values, dict.fromkeys(values, line))
    except csv.Error as error:
        raise InvalidValueError(f"{place(file, reader.line_num)}: this is not CSV: {error}.") from error


def _of_cell(key: str, cell: str) -> object:
    """What a cell means: of lists the parts between semicolons, else a number, true or false, else its text."""
    if key in {"keep", "tags"}:
        return [part.strip() for part in cell.split(";")]
    if key in {"source", "target", "note", "seeds"}:
        return cell
    with suppress(ValueError):
        number = json.loads(cell.lower() if cell.lower() in {"true", "false"} else cell)
        if isinstance(number, int | float):
            return number
    return cell


_READERS: Mapping[str, Callable[[Path, str], Iterator[Row]]] = {
    ".toml": _toml,
    ".yaml": yaml_rows,
    ".yml": yaml_rows,
    ".csv": _csv,
}
