"""``attrbank verify``, ``prune`` and ``attrbank reindex``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.listing import show_trash
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import CorruptArtifactError, PartialError
from attrbank.store.bank import Bank
from attrbank.store.trash import DAY, GRACE

MENDABLE = {"missing", "modified", "corrupt", "misindexed", "orphan"}


def verify(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also let every attribute act on noise, with every core.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; nothing is deleted.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Check every artifact of the bank, and what was measured.

    Exits with 5 if an attribute is damaged; files that nothing names are reported, and harm nothing.
    """
    opened = Bank.open(bank)
    for item, name, action in opened.repair() if repair else ():
        terminal.say(f"mended: {name or item}: {action}")
    findings = opened.verify(_trial() if deep else None)
    wrong = [finding for finding in findings if finding.state != "ok"]
    if as_json:
        terminal.document([finding._asdict() for finding in findings])
    elif wrong:
        columns = ("STATE", "NAME", "ITEM", "ORIGIN", "DETAIL")
        terminal.table(columns, [(f.state, f.name, f.item, f.origin, f.detail) for f in wrong])
    if not repair and any(finding.state in MENDABLE for finding in wrong):
        terminal.say("attrbank verify --repair mends what can be mended.")
    damaged = [finding for finding in wrong if not finding.harmless]
    if damaged:
        raise CorruptArtifactError(f"{len(damaged)} of {len(findings)} items are damaged.")
    terminal.say(f"{len(findings) - len(wrong)} items are sound.")


def _trial() -> Callable[[bytes], None]:
    from attrbank.attribute.artifact import decode  # without --deep, verify does without torch
    from attrbank.editing.usable import require_usable

    return lambda data: require_usable(decode(data))


def prune(
    *,
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", min=0, help="Removed longer ago than so many days.")
    ] = GRACE / DAY,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Delete for good what has long been in the trash. Cards and notes go with it.

    Refuses while anything in the bank is damaged (5).
    """
    gone = Bank.open(bank).prune(older_than * DAY, dry_run=dry_run)
    show_trash(gone, as_json)
    if gone:
        terminal.say(f"{len(gone)} {'would be deleted' if dry_run else 'deleted for good'}.")


def reindex(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """Rebuild the bank's index from its artifacts.

    Exits with 11 if some artifacts are damaged or gone.
    """
    rebuilt = Bank.open(bank).reindex()
    if as_json:
        terminal.document(asdict(rebuilt))
    else:
        counts = ", ".join(f"{len(ids)} {what}" for what, ids in asdict(rebuilt).items())
        terminal.say(f"The index is rebuilt: {counts}.")
    if rebuilt.damaged or rebuilt.lost:
        raise PartialError(
            f"{len(rebuilt.damaged)} artifacts are damaged and {len(rebuilt.lost)} are gone.",
            hint="attrbank verify says what is wrong with the damaged ones.",
        )
