"""``attrbank rename``, ``alias``, ``tag`` and ``note``: words about attributes, which never change one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption, ReferenceArgument
from attrbank.store.bank import Bank

if TYPE_CHECKING:
    from attrbank.schema.annotated import Annotation
    from attrbank.store.entry import Entry


def rename(
    reference: ReferenceArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    *,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Call an attribute otherwise. Its id stays, and with it the name before still means it."""
    opened = Bank.open(bank)
    terminal.attribute(opened.annotations.rename(opened.resolve(reference), name), as_json)


def alias(
    reference: ReferenceArgument,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Other names; none shows them.")
    ] = None,
    *,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="NAME", help="May be repeated.")] = None,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Let other names mean an attribute."""
    opened = Bank.open(bank)
    entry = opened.resolve(reference)
    if names or remove:
        said = opened.annotations.alias(entry, names or (), remove or ())
    else:
        said = opened.annotations.of(entry)
    _show(entry, said, said.aliases, as_json)


def tag(
    reference: ReferenceArgument,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG]...", help="Tags to add; none shows them.")] = None,
    *,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="TAG", help="May be repeated.")] = None,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Tag an attribute, to list it by."""
    opened = Bank.open(bank)
    entry = opened.resolve(reference)
    changes = tags or remove
    said = opened.annotations.tag(entry, tags or (), remove or ()) if changes else opened.annotations.of(entry)
    _show(entry, said, said.tags, as_json)


def note(
    reference: ReferenceArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="'' removes it; without it, it is shown.")
    ] = None,
    *,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Keep a note beside an attribute. It takes the place of any that is there."""
    opened = Bank.open(bank)
    entry = opened.resolve(reference)
    said = opened.annotations.of(entry) if text is None else opened.annotations.note(entry, text)
    _show(entry, said, said.note.splitlines(), as_json)


def _show(entry: Entry, said: Annotation, lines: Iterable[str], as_json: bool) -> None:
    """All that is said of an attribute, or the part that was asked for."""
    if as_json:
        terminal.document(
            {"name": entry.name, **said.model_dump(mode="json", include={"id", "aliases", "tags", "note"})}
        )
    else:
        terminal.lines(lines)
