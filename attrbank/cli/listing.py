"""``attrbank list``: quick however large the bank, so it imports neither numpy nor torch and loads no plugins."""

from __future__ import annotations

from typing import Annotated

import typer

from attrbank.cli import render
from attrbank.cli.options import BankOption, JsonOption
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

ROWS_IN_TERMINAL = 50
COLUMNS = ("NAME", "ID", "T_X", "ΔTAU", "SEEDS", "VECTORS", "BACKBONE", "ORIGIN", "SOURCE", "TARGET")


def list_attributes(
    *,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("-q", help="Names only, one per line.")] = False,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", metavar="EXPR", help="Like t_x<0.5, core=mean or source~man.")
    ] = None,
    sort: Annotated[str, typer.Option(metavar="FIELD[:desc]", help="The order of the rows.")] = "name",
    bank: BankOption = None,
) -> None:
    """List the attributes of the bank."""
    opened, conditions = Bank.open(bank), tuple(filters or ())
    if as_json:
        render.document([entry.as_json() for entry in opened.entries(conditions, sort)])
    elif quiet:
        render.lines(entry.name for entry in opened.entries(conditions, sort))
    else:
        _show_table(opened, conditions, sort)


def _show_table(bank: Bank, filters: tuple[str, ...], sort: str) -> None:
    entries = bank.entries(filters, sort, ROWS_IN_TERMINAL if render.in_terminal() else None)
    if not entries:
        render.say("No attribute meets the filters." if filters else "The bank is empty. Begin with: attrbank learn")
        return
    render.table(COLUMNS, map(_row, entries))
    if render.in_terminal() and len(entries) == ROWS_IN_TERMINAL:
        more = bank.count(filters) - ROWS_IN_TERMINAL
        if more:
            render.say(f"{more} more. Choose with --filter, or see all with: attrbank list | less")


def _row(entry: Entry) -> tuple[object, ...]:
    return (
        entry.name,
        entry.id[:12],
        entry.t_x,
        entry.delta_tau,
        entry.seeds,
        entry.vectors,
        entry.backbone,
        entry.origin,
        entry.source,
        entry.target,
    )
