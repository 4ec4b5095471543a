"""``attrbank push`` and ``attrbank pull``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from attrbank.attribute import exchange
from attrbank.attribute.places import addresses
from attrbank.attribute.transfer import Conflict
from attrbank.cli import terminal
from attrbank.cli.completing import attributes
from attrbank.cli.options import BankOption, JsonOption
from attrbank.cli.transfer import take
from attrbank.schema.annotated import MAX_PLACE
from attrbank.store.bank import Bank
from attrbank.text import printable


def push(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="A folder, or hf://OWNER/NAME[@BRANCH].")],
    references: Annotated[
        list[str], typer.Argument(metavar="REF...", autocompletion=attributes, help="Attributes, of any origin.")
    ],
    *,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", metavar="ID", help="Of the attributes, like cc-by-4.0.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take away others of the same names that are there.")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="If a repository is made, nobody else sees it.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Add attributes to a shared folder or a repository of the hub.

    Cards, notes and previews go along, and a page tells of them. To push again changes nothing.
    """
    opened = Bank.open(bank)
    entries = opened.resolve_all(references)
    with addresses.target(place, private=private) as target:
        done = exchange.push(opened, entries, target, licence=licence, replace=replace, on_warning=terminal.warn)
        shown = target.shown
    if done.page_kept:
        terminal.say("The README.md there is somebody's own, and was left as it is.")
    if as_json:
        terminal.document({"place": shown, "changed": done.changed, "attributes": [e.as_json() for e in entries]})
        return
    terminal.lines([shown])
    terminal.say(f"{len(entries)} pushed." if done.changed else "Everything was there already.")


def pull(
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="A folder, hf://OWNER/NAME[@REVISION], or https://…/FOLDER.")
    ],
    references: Annotated[list[str] | None, typer.Argument(metavar="[REF]...", help="What of it; default all.")] = None,
    *,
    on_conflict: Annotated[
        Conflict, typer.Option("--on-conflict", help="If its name means another: skip, replace, or call it NAME-2.")
    ] = "refuse",
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Add attributes from a shared place or a web server.

    Everything is fetched and compared with its sum before anything enters the bank.
    """
    opened, source = Bank.open(bank), addresses.source(place)
    with tempfile.TemporaryDirectory(prefix="attrbank-") as folder:
        fetched = exchange.pull(source, references or (), Path(folder))
        terminal.say(f"From {source.shown}")
        take(opened, fetched, conflict=on_conflict, pulled_from=printable(source.shown)[:MAX_PLACE], as_json=as_json)
