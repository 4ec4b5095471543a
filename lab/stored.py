"""Attributes as they lie in a bank."""

from __future__ import annotations

from attrbank.attribute.artifact import LearnedAttribute, opened
from attrbank.store.bank import Bank


def stored(bank: Bank, name: str) -> LearnedAttribute:
    """The attribute that a reference names, tensors and all; raises as ``Bank.resolve`` and ``Bank.read`` do."""
    return opened(bank.artifact(bank.resolve(name)))
