"""``attrbank list``: quick however large the bank, so it imports neither numpy nor torch and loads no plugins."""

from __future__ import annotations

from typing import Annotated

import typer

from attrbank.cli import render
from attrbank.cli.options import BankOption, JsonOption
from attrbank.store.bank import Bank

ROWS_IN_TERMINAL = 50
COLUMNS = {
    "NAME": "name",
    "ID": "id",
    "T_X": "t_x",
    "ΔTAU": "delta_tau",
    "SEEDS": "seeds",
    "VECTORS": "vectors",
    "BACKBONE": "backbone",
    "ORIGIN": "origin",
    "SOURCE": "source",
    "TARGET": "target",
}


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
        render.array(opened.entries_as_json(conditions, sort))
    elif quiet:
        render.lines(name for (name,) in opened.rows(["name"], conditions, sort))
    else:
        _show_table(opened, conditions, sort)


def _show_table(bank: Bank, filters: tuple[str, ...], sort: str) -> None:
    rows = bank.rows(tuple(COLUMNS.values()), filters, sort, ROWS_IN_TERMINAL if render.in_terminal() else None)
    if not rows:
        render.say("No attribute meets the filters." if filters else "The bank is empty. Begin with: attrbank learn")
        return
    render.table(tuple(COLUMNS), [(name, identity[:12], *others) for name, identity, *others in rows])
    if render.in_terminal() and len(rows) == ROWS_IN_TERMINAL:
        more = bank.count(filters) - ROWS_IN_TERMINAL
        if more:
            render.say(f"{more} more. Choose with --filter, or see all with: attrbank list | less")
