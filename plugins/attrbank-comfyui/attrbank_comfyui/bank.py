"""The user's bank, as a menu of what may act here."""

from __future__ import annotations

from collections.abc import Sequence

from attrbank.plugin import (
    ApplyRequest,
    AttrbankError,
    Bank,
    Entry,
    Guest,
    IncompatibleError,
    InvalidValueError,
    guest,
    load_plugins,
    parse_asked,
)

FAMILIES = ("stable_diffusion", "stable_diffusion_xl")
"""Of models that ComfyUI samples as attrbank does."""

EMBEDDED = "portraits"
"""A model that is of these families, and that ComfyUI cannot load; all of the starter bank belongs to it."""

NONE = "no attribute of Stable Diffusion: use attrbank learn"
"""What the menu shows where there is nothing to choose."""


def names() -> list[str]:
    """The attributes of the bank that were learned on a Stable Diffusion, by name; one line if there are none."""
    bank = Bank.open(None)
    known = [entry for entry in bank.entries() if entry.backbone != EMBEDDED]
    return sorted({entry.name for entry in known if _family(bank, entry) in FAMILIES}) or [NONE]


def identity(name: str) -> str:
    """What changes when an attribute is learned anew."""
    return "" if name == NONE else Bank.open(None).resolve(name).id


def loaded(name: str, strength: float, at: str = "") -> Guest:
    """An attribute of the bank, with a strength, and a time if it is not to be its own.

    Raises:
        NotFoundError: there is no such attribute, or its method is not installed.
        InvalidValueError: it cannot have that strength, or the time is none.
        CorruptArtifactError: its artifact is damaged.
        IncompatibleError: it needs more of the network than ComfyUI's samplers give.
    """
    if name == NONE:
        raise InvalidValueError("The bank has no attribute of Stable Diffusion.", hint="Make one with attrbank learn.")
    bank, asked = Bank.open(None), parse_asked(f"{name}:{strength!r}" + (f"@{at.strip()}" if at.strip() else ""))
    entry = bank.resolve(asked.reference)
    record = bank.record(entry)
    method = load_plugins().method_of(record)
    if method.needs(record, method.core_without_network(record), strength).words:
        raise IncompatibleError(
            f"{name} acts at words of the prompt, which no sampler sees.", "Use attrbank apply for it."
        )
    return guest(bank, entry, asked, ApplyRequest(references=(asked,)))


def refuse_none(attributes: Sequence[Guest]) -> None:
    """Do nothing if there is an attribute.

    Raises:
        InvalidValueError: there is none.
    """
    if not attributes:
        raise InvalidValueError("No attribute is given.", hint="Put the node Load attribute before this one.")


def _family(bank: Bank, entry: Entry) -> str | None:
    """Of the model that it was learned on; None if it is damaged, for which no menu is left out."""
    try:
        return bank.record(entry).backbone.family
    except AttrbankError:
        return None
