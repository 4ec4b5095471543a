"""``attrbank gallery``: a bank as one page that stands alone, to look at and to hand on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from attrbank import files
from attrbank.cli import terminal
from attrbank.cli.card import card_facts
from attrbank.cli.listing import span
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import CorruptArtifactError, InvalidValueError
from attrbank.store.bank import Bank
from attrbank.store.entry import DOCUMENT, Entry, entry_from_json

TEMPLATE = Path(__file__).with_name("gallery.html.j2")
DEFAULT, USUAL = Path("bank.html"), 0.7

Found = TypeVar("Found")


@dataclass(frozen=True)
class Exhibit:
    """One attribute, as the page shows it.

    Attributes:
        picture: its preview as a data URI; None where there is none, or none that can be read.
        facts: lines of name and value.
        measured: likewise; what its card says.
        command: what applies it, for a shell.
        words: what a search on the page looks through, in lower case.
    """

    entry: Entry
    note: str
    picture: str | None
    facts: tuple[tuple[str, str], ...]
    measured: tuple[tuple[str, str], ...]
    command: str
    words: str


def gallery(
    *,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="OUT.html", help=f"The page; default {DEFAULT}, if it is free.")
    ] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", metavar="EXPR", help="Like t_x<0.5, core=mean or source~man.")
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only what has it.")] = None,
    sort: Annotated[str, typer.Option(metavar="FIELD[:desc]", help="The order on the page.")] = "name",
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Show the bank as a page that stands alone. It has pictures, ranges, figures, and how to use what is there."""
    opened, conditions = Bank.open(bank), (*(filters or ()), *(f"tag={tag}" for tag in tags or ()))
    entries = [entry_from_json(text) for (text,) in opened.rows([DOCUMENT], conditions, sort)]
    path = output or DEFAULT
    page = page_of([exhibit(opened, entry) for entry in entries]).encode()
    if output is not None:
        files.replace(path, page)
    elif not files.create(path, page):
        raise InvalidValueError(f"{path} is there already.", hint=f"Replace it with: attrbank gallery -o {path}")
    if as_json:
        terminal.document({"output": str(path), "attributes": [entry.reference for entry in entries]})
        return
    terminal.say(f"{len(entries)} attributes")
    terminal.lines([str(path)])


def page_of(exhibits: list[Exhibit]) -> str:
    """The page; whatever comes from artifacts and notes is escaped."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    tags = sorted({tag for one in exhibits for tag in one.entry.tags})
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(exhibits=exhibits, tags=tags)


def exhibit(bank: Bank, entry: Entry) -> Exhibit:
    """What is known of an attribute without opening it; of what is damaged beside it, a warning is given instead."""
    said, card = _sound(bank.annotations.of, entry), _sound(bank.measurements.card, entry)
    picture, note = _sound(bank.previews.read, entry), said.note if said else ""
    prompts = (prompt for pair in entry.pairs for prompt in pair)
    words = " ".join((entry.name, *(said.aliases if said else ()), *entry.tags, note, *prompts))
    return Exhibit(
        entry,
        note,
        None if picture is None else f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}",
        facts=tuple(entry_facts(entry)),
        measured=() if card is None else tuple(card_facts(card)),
        command=command_for(entry),
        words=words.lower(),
    )


def _sound(read: Callable[[Entry], Found | None], entry: Entry) -> Found | None:
    """What lies beside an attribute; nothing if it is damaged, since the page is of use without it."""
    try:
        return read(entry)
    except CorruptArtifactError as error:
        terminal.warn(error.message)
        return None


def entry_facts(entry: Entry) -> Iterator[tuple[str, str]]:
    """What a bank tells of an attribute on a page: name and value."""
    if entry.score is not None:
        yield "comes in", f"{entry.score:.2f} of the pictures, at strength 1"
    if strengths := span(entry.usable_low, entry.usable_high):
        yield "range", strengths
    if entry.target is None:
        yield "learned from", entry.source
    for pair in entry.pairs[:1]:
        yield "from", pair.source
        yield "to", pair.target
    if len(entry.pairs) > 1:
        yield "and", f"{len(entry.pairs) - 1} more pairs"
    yield "model", entry.backbone
    yield "learned with", f"{entry.method}, seeds {entry.seeds}, {entry.steps} steps"
    yield "id", entry.id[:12]


def command_for(entry: Entry) -> str:
    """What applies it. Names are harmless in a shell; nothing else of an artifact becomes part of a command."""
    return f"attrbank apply {entry.name if entry.current else entry.reference}:{USUAL}"
