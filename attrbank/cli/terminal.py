"""All that the commands print. Data goes to stdout, talk to stderr; text from outside is never obeyed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any

from attrbank.text import printable

if TYPE_CHECKING:
    from attrbank.store.entry import Entry

DECIDING_ROWS = 1000
"""So many rows of a table in a pipe decide how wide its columns are."""
ITERM = frozenset({"iTerm.app", "iTerm2", "WezTerm", "mintty"})
"""Terminals that know iTerm's sequence, as they call themselves in the environment."""
NARROWEST = 8
"""No column is cut further; a row that needs more room than the terminal has goes on in its next line."""


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


def flush() -> None:
    """Let the lines so far be seen before what comes next, which takes long."""
    sys.stdout.flush()


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


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], under: Iterable[str] = (), *, wide: bool = False
) -> None:
    """A table whose first column is never cut: fitted to the terminal, or in full and as the rows come in a pipe.

    Args:
        columns: the headings.
        rows: of as many cells.
        under: in a terminal, a second line for each row, as far as there is room.
        wide: in a terminal, too, in full.
    """
    cells = ([_cell(value) for value in row] for row in rows)
    if wide or not in_terminal():
        lines(_aligned(chain([columns], cells)))
        return
    head, *body = _fitted([list(columns), *cells])
    lines([head])
    for row, more in zip_longest(body, under):
        lines([row] if more is None else [row, _cut(f"  {printable(more)}", _width())])


def picture(data: bytes) -> None:
    """A small picture, where the terminal can: by iTerm's protocol; with the extra ``term`` by Kitty's or as sixels."""
    if not (data and in_terminal()):
        return
    if _speaks_iterm():
        sys.stdout.write(f"\x1b]1337;File=inline=1;size={len(data)};width={_picture_width()}:{_base64(data)}\a\n")
        return
    try:
        from textual_image import renderable  # asks the terminal what it can
    except ImportError:
        return
    if renderable.Image in (renderable.TGPImage, renderable.SixelImage):
        from rich.console import Console

        Console().print(renderable.Image(BytesIO(data), width=_picture_width(), height="auto"))


def _speaks_iterm() -> bool:
    """Whether the terminal has said that it knows iTerm's sequence for pictures; a multiplexer would swallow it.

    The sequence: https://iterm2.com/documentation-images.html.
    """
    names = {os.environ.get(name) for name in ("TERM_PROGRAM", "LC_TERMINAL")}  # the second one passes through ssh
    return not names.isdisjoint(ITERM) and not {"TMUX", "STY"} & os.environ.keys()


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _picture_width() -> int:
    """In characters."""
    return min(_width(), 60)


def details(facts: Iterable[tuple[str, object]]) -> None:
    """One ``key  value`` line for each fact, the values aligned."""
    lines(_aligned([[key, _cell(value)] for key, value in facts]))


def registered(items: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """What there is to choose from: of each its name, summary, capabilities and distribution."""
    if as_json:
        document(items)
        return
    rows = [(item["name"], item["summary"], " ".join(_abilities(item)), item["distribution"]) for item in items]
    table(("NAME", "SUMMARY", "CAPABILITIES", "FROM"), rows)


def _abilities(item: Mapping[str, Any]) -> list[str]:
    """What it can, and what may be set of it, as it is written behind a colon."""
    return [*item["capabilities"], *(f"{name}={value}" for name, value in item.get("parameters", {}).items())]


def number(value: float) -> str:
    """The shortest text that reads as this number."""
    return repr(value).removesuffix(".0")


def _cell(value: object) -> str:
    if isinstance(value, str):  # most are, and of a long list every one takes its time
        return value if value.isprintable() else printable(value)
    if value is None:
        return "-"
    return number(value) if isinstance(value, float) else printable(str(value))


def _aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """In columns as wide as the first rows ask for, so that a long table begins before all of it was read."""
    rest = iter(rows)
    first = list(islice(rest, DECIDING_ROWS))
    widths = [max(map(len, column)) for column in zip(*first, strict=True)]
    pattern = "  ".join(f"%-{width}s" for width in widths)
    for row in chain(first, rest):
        yield (pattern % tuple(row)).rstrip()


def _fitted(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The widest columns give way until a row fits into the terminal, but never the first; what is cut ends in …."""
    from rich.cells import cell_len  # some characters take two places, and some none

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > _width():
        widest = max(range(1, len(widths)), key=widths.__getitem__, default=0)
        if widths[widest] <= NARROWEST or not widest:
            break
        widths[widest] -= 1
    for row in rows:
        cut = [_cut(cell, width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(text + " " * (w - cell_len(text)) for text, w in zip(cut, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _width() -> int:
    return shutil.get_terminal_size().columns
