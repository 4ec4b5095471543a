"""``attrbank rm`` and ``attrbank restore``."""

from __future__ import annotations

from attrbank.cli import render
from attrbank.cli.options import BankOption, ReferenceArgument
from attrbank.store.bank import Bank


def remove(reference: ReferenceArgument, *, bank: BankOption = None) -> None:
    """Move an attribute to the trash."""
    removed = Bank.open(bank).remove(reference)
    render.lines([removed.reference])
    render.say(f"It is in the trash. To have it back: attrbank restore {removed.reference}")


def restore(reference: ReferenceArgument, *, bank: BankOption = None) -> None:
    """Bring an attribute back from the trash."""
    restored = Bank.open(bank).restore(reference)
    render.lines([restored.reference])
    if not restored.current:
        render.say(f"The name {restored.name} means another version by now; this one is {restored.reference}.")
