"""``attrbank verify`` and ``attrbank reindex``."""

from __future__ import annotations

from dataclasses import asdict

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import CorruptArtifactError, PartialError
from attrbank.store.bank import Bank


def verify(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """Check every artifact of the bank, and what was measured.

    Exits with 5 if an attribute is damaged; files that nothing names are reported, and harm nothing.
    """
    findings = Bank.open(bank).verify()
    wrong = [finding for finding in findings if finding.state != "ok"]
    if as_json:
        terminal.document([finding._asdict() for finding in findings])
    elif wrong:
        columns = ("STATE", "NAME", "ITEM", "ORIGIN", "DETAIL")
        terminal.table(columns, [(f.state, f.name, f.item, f.origin, f.detail) for f in wrong])
    damaged = [finding for finding in wrong if not finding.harmless]
    if damaged:
        raise CorruptArtifactError(f"{len(damaged)} of {len(findings)} items are damaged.")
    terminal.say(f"{len(findings) - len(wrong)} items are sound.")


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
