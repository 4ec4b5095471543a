"""All that the commands print. Data goes to stdout, talk to stderr; text from outside is never obeyed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrbank.text import printable

if TYPE_CHECKING:
    from attrbank.store.entry import Entry


def in_terminal() -> bool:
    """Whether stdout is a terminal, so that output is for eyes, not for another program."""
    return sys.stdout.isatty()


def say(message: str) -> None:
    """One line of talk, on stderr."""
    print(printable(message), file=sys.stderr)


def warn(warning: str) -> None:
    """What the user should know, as talk."""
    say(f"warning: {warning}")


def lines(texts: Iterable[str]) -> None:
    """One line of data for each text."""
    sys.stdout.writelines(f"{printable(text)}\n" for text in texts)


def document(value: Any) -> None:
    """One JSON document, of a list one item per line; its escapes leave no control character in it."""
    if isinstance(value, list):
        array(json.dumps(item, allow_nan=False) for item in value)
    else:
        sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def array(items: Iterable[str]) -> None:
    """One JSON array of items that are JSON text already, one per line."""
    text = ",\n".join(map(printable, items))
    sys.stdout.write(f"[\n{text}\n]\n" if text else "[]\n")


def attribute(entry: Entry, as_json: bool, **more: object) -> None:
    """An attribute to which something has happened: its reference, or all that the bank knows of it and ``more``."""
    if as_json:
        document(entry.as_json() | more)
    else:
        lines([entry.reference])


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table: fitted to the terminal, or aligned plain text without truncation in a pipe."""
    cells = [[_cell(value) for value in row] for row in rows]
    if in_terminal():
        _fitted_table(columns, cells)
    else:
        lines(_aligned([list(columns), *cells]))


def details(facts: Iterable[tuple[str, object]]) -> None:
    """One ``key  value`` line for each fact, the values aligned."""
    lines(_aligned([[key, _cell(value)] for key, value in facts]))


def registered(items: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """What there is to choose from: of each its name, summary, capabilities and distribution."""
    if as_json:
        document(items)
        return
    rows = [(item["name"], item["summary"], " ".join(item["capabilities"]), item["distribution"]) for item in items]
    table(("NAME", "SUMMARY", "CAPABILITIES", "FROM"), rows)


def number(value: float) -> str:
    """The shortest text that reads as this number."""
    return repr(value).removesuffix(".0")


def _cell(value: object) -> str:
    if isinstance(value, str):  # most are, and of a long list every one takes its time
        return value if value.isprintable() else printable(value)
    if value is None:
        return "-"
    return number(value) if isinstance(value, float) else printable(str(value))


def _aligned(rows: list[list[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pattern = "  ".join(f"%-{width}s" for width in widths)
    for row in rows:
        yield (pattern % tuple(row)).rstrip()


def _fitted_table(columns: Sequence[str], cells: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    fitted = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        fitted.add_column(Text(column), no_wrap=True, overflow="ellipsis")
    for row in cells:
        fitted.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(fitted)
