"""``attrbank similar`` and ``attrbank dedupe``: which attributes change pictures alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption, ReferenceArgument
from attrbank.cli.progress_bar import progress_bar
from attrbank.errors import AttrbankError, PartialError
from attrbank.names import is_name
from attrbank.schema.choices import ON_THE_WAY
from attrbank.store.bank import Bank
from attrbank.text import quoted

if TYPE_CHECKING:  # help does without numpy
    from attrbank.editing.alike import Group, Nearest
    from attrbank.store.entry import Entry

SUGGESTED = 8
"""So many commands are written out."""


def similar(
    reference: ReferenceArgument,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 10,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Show what changes pictures most alike, or most oppositely.

    The cosine is that of the mean differences that are banked, or of text directions: 1 is the same, -1 the opposite.
    """
    from attrbank.editing.alike import similar as nearest_of

    opened = Bank.open(bank)
    entry = opened.resolve(reference)
    with progress_bar() as report:
        nearest = nearest_of(opened, entry, limit, on_progress=report, on_warning=terminal.warn)
    if as_json:
        terminal.document([alike.entry.as_json() | {"cosine": alike.cosine} for alike in nearest.found])
    elif nearest.found:
        rows = [
            (entry.name, entry.short_id, f"{cosine:.3f}", entry.core, entry.source, entry.target)
            for entry, cosine in nearest.found
        ]
        terminal.table(("NAME", "ID", "COSINE", "CORE", "SOURCE", "TARGET"), rows)
    for line in _beside(entry, nearest):
        terminal.say(line)


def _beside(entry: Entry, nearest: Nearest) -> Iterator[str]:
    """What the table does not say."""
    if not nearest.compared:
        yield f"There is nothing else to compare {entry.name} with: no other of its method, model and latent shape."
    elif nearest.compared > len(nearest.found):
        more = nearest.compared - len(nearest.found)
        yield f"{more} more, with cosines between -{nearest.others:.2f} and {nearest.others:.2f}."
    if live := [one.name for one in (entry, *(other for other, _ in nearest.found)) if one.core in ON_THE_WAY]:
        yield f"Of {', '.join(live)} the mean is compared, which is not what acts."


def dedupe(
    *,
    above: Annotated[float, typer.Option(metavar="C", help="Nearly the same is a cosine of at least this.")] = 0.95,
    remove: Annotated[bool, typer.Option("--remove", help="Move all but the best of each to the trash.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before that.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Find attributes that are nearly the same. Nothing is removed unless --remove says so.

    Of each group the one to keep comes first: measured before not measured, then the higher score, more seeds, the
    newer. All others of it are that near to this one.
    """
    from attrbank.editing.alike import duplicates

    opened = Bank.open(bank)
    with progress_bar() as report:
        groups = list(duplicates(opened, above, on_progress=report, on_warning=terminal.warn))
    going = [alike.entry for group in groups for alike in group.others if alike.entry.origin == "user"]
    if as_json:
        terminal.document([_as_json(group) for group in groups])
    elif groups:
        _show(groups)
    if not groups:
        terminal.say(f"No two attributes have a cosine of {above:g} or more.")
    elif remove:
        _remove(opened, going, yes)
    else:
        _suggest(going, above, bank)


def _as_json(group: Group) -> dict[str, object]:
    others = [alike.entry.as_json() | {"cosine": alike.cosine} for alike in group.others]
    return {"keep": group.keep.as_json(), "others": others}


def _show(groups: Sequence[Group]) -> None:
    rows = []
    for group in groups:
        rows.append(_row(group.keep, None))
        rows += [_row(alike.entry, f"{alike.cosine:.3f}", group.keep.name) for alike in group.others]
    terminal.table(("NAME", "ID", "LIKE", "COSINE", "SCORE", "SEEDS", "ORIGIN"), rows)


def _row(entry: Entry, cosine: str | None, like: str | None = None) -> tuple[object, ...]:
    score = None if entry.score is None else f"{entry.score:.2f}"
    return (entry.name, entry.short_id, like, cosine, score, entry.seeds, entry.origin)


def _suggest(going: Sequence[Entry], above: float, bank: Path | None) -> None:
    """Commands made of names and ids that are such, and of the user's own words."""
    from attrbank.editing.alike import MERIT

    terminal.say(f"Kept is the one that comes first by: {MERIT}.")
    if not going:
        terminal.say("The others belong to the starter bank, which is read-only.")
        return
    where = f" --bank {quoted(str(bank))}" if bank else ""
    for entry in going[:SUGGESTED]:
        if is_name(entry.name):
            terminal.say(f"attrbank rm {quoted(entry.reference)}{where}")
    if len(going) > SUGGESTED:
        terminal.say(f"And {len(going) - SUGGESTED} more.")
    terminal.say("Look at two before one goes: attrbank diff A B")
    terminal.say(f"All at once: attrbank dedupe --above {terminal.number(above)} --remove{where}")


def _remove(bank: Bank, going: Sequence[Entry], yes: bool) -> None:
    """Move them to the trash, each as ``rm`` does; one that fails stops no other.

    Raises:
        typer.BadParameter: there is nobody to ask.
        PartialError: some could not be removed.
    """
    if going and not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("--remove asks first, and here is nobody to ask; add --yes.")
        if not typer.confirm(f"Move {len(going)} to the trash?", err=True):
            terminal.say("Nothing was removed.")
            return
    failed = 0
    for entry in going:
        try:
            terminal.say(f"removed {bank.remove(f'{entry.name}@{entry.id}').reference}")
        except AttrbankError as error:
            failed += 1
            terminal.say(f"{entry.reference}: {error.message}")
    terminal.say("What was removed is in the trash: attrbank list --trash, attrbank restore NAME@ID.")
    if failed:
        raise PartialError(f"{failed} of {len(going)} could not be removed.")
