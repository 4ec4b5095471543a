"""``attrbank list``, quick however large the bank, and ``search``: without numpy, torch and plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.store.bank import Bank
from attrbank.store.entry import DOCUMENT
from attrbank.store.trash import Trashed

ROWS_IN_TERMINAL = 50
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
        terminal.lines(name for (name,) in opened.rows(["name"], conditions, sort))
    else:
        _show_table(opened, conditions, sort)


def show_trash(found: Sequence[Trashed], as_json: bool) -> None:
    """Removed attributes, with what is known of when that was."""
    if as_json:
        terminal.document([item.entry.as_json() | {"removed": item.removed, "age_s": item.age} for item in found])
    elif found:
        rows = ((i.entry.name, i.entry.id[:12], _age(i.age), i.entry.source, i.entry.target) for i in found)
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
            (entry.name, entry.id[:12], " ".join(entry.tags), entry.origin, entry.source, entry.target)
            for entry in found
        )
        terminal.table(("NAME", "ID", "TAGS", "ORIGIN", "SOURCE", "TARGET"), rows)
    else:
        terminal.say("Nothing holds all of these words.")


def _show_table(bank: Bank, filters: tuple[str, ...], sort: str) -> None:
    rows = bank.rows(FIELDS, filters, sort, ROWS_IN_TERMINAL if terminal.in_terminal() else None)
    if not rows:
        terminal.say("No attribute meets the filters." if filters else "The bank is empty. Begin with: attrbank learn")
        return
    terminal.table(COLUMNS, (_shown(*row) for row in rows))
    if terminal.in_terminal() and len(rows) == ROWS_IN_TERMINAL:
        more = bank.count(filters) - ROWS_IN_TERMINAL
        if more:
            terminal.say(f"{more} more. Choose with --filter, or see all with: attrbank list | less")


def _shown(
    name: str, identity: str, score: float | None, low: float | None, high: float | None, *others: object
) -> tuple[object, ...]:
    measured = (None if score is None else f"{score:.2f}", None if low is None else f"{low:.3g}…{high:.3g}")
    return (name, identity[:12], *measured, *others)
