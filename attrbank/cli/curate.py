"""``attrbank rm`` and ``attrbank restore``."""

from __future__ import annotations

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption, ReferenceArgument
from attrbank.store.bank import Bank


def remove(reference: ReferenceArgument, *, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """Move an attribute to the trash."""
    removed = Bank.open(bank).remove(reference)
    terminal.attribute(removed, as_json)
    terminal.say(f"It is in the trash. To have it back: attrbank restore {removed.reference}")


def restore(reference: ReferenceArgument, *, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """Bring an attribute back from the trash."""
    restored = Bank.open(bank).restore(reference)
    terminal.attribute(restored, as_json)
    if not restored.current:
        terminal.say(f"The name {restored.name} means another version by now; this one is {restored.reference}.")
