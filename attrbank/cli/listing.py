"""``attrbank list``, quick however large the bank, and ``search``: without numpy, torch and plugins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.store.bank import Bank
from attrbank.store.entry import DOCUMENT, SHORT_ID
from attrbank.store.trash import Trashed

ROWS_IN_TERMINAL = 50
FOR_PEOPLE = ("NAME", "ID", "SCORE", "RANGE", "BACKBONE")
COLUMNS = ("NAME", "ID", "SCORE", "RANGE", "T_X", "ΔTAU", "SEEDS", "VECTORS", "BACKBONE", "ORIGIN", "SOURCE", "TARGET")
FIELDS = (
    *("name", "id", "score", "usable_low", "usable_high"),
    *("t_x", "delta_tau", "seeds", "vectors", "backbone", "origin", "source", "target"),
)


def list_attributes(
    *,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("-q", help="Names only, one per line.")] = False,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", metavar="EXPR", help="Like t_x<0.5, core=mean or source~man.")
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only what has it.")] = None,
    trash: Annotated[bool, typer.Option("--trash", help="What was removed, the newest first.")] = False,
    sort: Annotated[str, typer.Option(metavar="FIELD[:desc]", help="The order of the rows.")] = "name",
    wide: Annotated[bool, typer.Option("--wide", help="All columns in full, as in a pipe.")] = False,
    bank: BankOption = None,
) -> None:
    """List the attributes of the bank."""
    opened, conditions = Bank.open(bank), (*(filters or ()), *(f"tag={tag}" for tag in tags or ()))
    if trash:
        if conditions:
            raise typer.BadParameter("--trash takes no filters.")
        show_trash(opened.trash(), as_json)
    elif as_json:
        terminal.array(text for (text,) in opened.rows([DOCUMENT], conditions, sort))
    elif quiet:
        terminal.lines(name for (name,) in opened.stream(["name"], conditions, sort))
    elif terminal.in_terminal():
        _show_first(opened, conditions, sort, wide)
    else:
        _show_all(opened, conditions, sort)


def show_trash(found: Sequence[Trashed], as_json: bool) -> None:
    """Removed attributes, with what is known of when that was."""
    if as_json:
        terminal.document([item.entry.as_json() | {"removed": item.removed, "age_s": item.age} for item in found])
    elif found:
        rows = ((i.entry.name, i.entry.short_id, _age(i.age), i.entry.source, i.entry.target) for i in found)
        terminal.table(("NAME", "ID", "REMOVED", "SOURCE", "TARGET"), rows)
    else:
        terminal.say("There is nothing.")


def _age(seconds: float | None) -> str | None:
    """How long ago, in the largest unit of which there is one."""
    if seconds is None:
        return None
    days, hours, minutes = (int(seconds // unit) for unit in (86400, 3600, 60))
    return f"{days} d ago" if days else f"{hours} h ago" if hours else f"{minutes} min ago"


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="All of them, or their beginnings.")],
    *,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Find attributes by words of theirs. Names, aliases, prompts, tags and notes count, in this order."""
    found = Bank.open(bank).search(words)
    if as_json:
        terminal.document([entry.as_json() for entry in found])
    elif found:
        rows = (
            (entry.name, entry.short_id, " ".join(entry.tags), entry.origin, entry.source, entry.target)
            for entry in found
        )
        terminal.table(("NAME", "ID", "TAGS", "ORIGIN", "SOURCE", "TARGET"), rows)
    else:
        terminal.say("Nothing holds all of these words.")


def _show_first(bank: Bank, filters: tuple[str, ...], sort: str, wide: bool) -> None:
    rows = bank.rows(FIELDS, filters, sort, ROWS_IN_TERMINAL)
    if not rows:
        _say_nothing(filters)
    elif wide:
        terminal.table(COLUMNS, (_shown(*row) for row in rows), wide=True)
    else:
        listed = [dict(zip(COLUMNS, _shown(*row), strict=True)) for row in rows]
        terminal.table(
            FOR_PEOPLE,
            ([one[column] for column in FOR_PEOPLE] for one in listed),
            (difference(str(one["SOURCE"]), one["TARGET"]) for one in listed),
        )
    if len(rows) == ROWS_IN_TERMINAL and (more := bank.count(filters) - ROWS_IN_TERMINAL):
        terminal.say(f"{more} more. Choose with --filter, or see all with: attrbank list | less")


def _show_all(bank: Bank, filters: tuple[str, ...], sort: str) -> None:
    rows = bank.stream(FIELDS, filters, sort)
    first = next(rows, None)
    if first is None:
        _say_nothing(filters)
    else:
        terminal.table(COLUMNS, (_shown(*row) for row in chain([first], rows)))


def _say_nothing(filters: tuple[str, ...]) -> None:
    terminal.say("No attribute meets the filters." if filters else "The bank is empty. Begin with: attrbank learn")


def difference(source: str, target: object) -> str:
    """What an attribute does: from one prompt to another, or from what it was learned where that were no prompts."""
    return f"learned from {source}" if target is None else f"{source} → {target}"


def _shown(
    name: str, identity: str, score: float | None, low: float | None, high: float | None, *others: object
) -> tuple[object, ...]:
    return (name, identity[:SHORT_ID], None if score is None else f"{score:.2f}", span(low, high), *others)


def span(low: float | None, high: float | None) -> str | None:
    """A range of strengths; None if it is not known."""
    return None if low is None or high is None else f"{low:.3g}…{high:.3g}"
