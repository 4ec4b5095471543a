"""The bank as the page shows it: what can act on a model, the gallery, and the trash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from attrbank.cli.card import card_facts
from attrbank.cli.compat import misfit
from attrbank.cli.gallery import command_for, entry_facts
from attrbank.diffusion.protocols import Description
from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.text import quoted

UNMEASURED = (-1.0, 1.0)
"""How far a slider goes where nobody has measured how far it may."""

Found = TypeVar("Found")

Fit = Literal["yes", "related", "no"]
"""Whether an attribute can act on a model: as it is, if it is forced, or not at all."""


class Shelf:
    """A bank, opened anew for every question: others may write to it.

    Args:
        path: the bank's folder; None is the user's.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._fits: dict[tuple[str, str], Fit] = {}

    @property
    def bank(self) -> Bank:
        """As it is now."""
        return Bank.open(self._path)

    def sliders(self, model: Description) -> list[dict[str, Any]]:
        """What can act on a model, each with the range of its slider; ``related`` is what would have to be forced."""
        bank = self.bank
        found = [(entry, self._fit(bank, entry, model)) for entry in bank.entries()]
        return [
            _slider(entry, has_preview=bank.previews.path(entry) is not None) | {"related": fit == "related"}
            for entry, fit in found
            if fit != "no"
        ]

    def exhibits(self, words: str) -> list[dict[str, Any]]:
        """What the gallery shows, all or what holds some words."""
        bank = self.bank
        entries = bank.search(words.split()) if words.split() else bank.entries()
        where = "" if self._path is None else f" --bank {quoted(str(self._path))}"
        return [_exhibit(bank, entry) | {"command": command_for(entry) + where} for entry in entries]

    def trash(self) -> list[dict[str, Any]]:
        """What was removed, the newest first."""
        return [{"name": t.entry.name, "id": t.entry.id, "removed": t.removed} for t in self.bank.trash()]

    def preview(self, identity: str) -> bytes | None:
        """The JPEG of an attribute, if it has one."""
        bank = self.bank
        return bank.previews.read(bank.resolve(identity))

    def rename(self, identity: str, name: str) -> None:
        """Raises as ``Annotations.rename``."""
        bank = self.bank
        bank.annotations.rename(bank.resolve(identity), name)

    def retag(self, identity: str, tags: tuple[str, ...]) -> None:
        """Let an attribute have these tags and no others; raises as ``Annotations.tag``."""
        bank = self.bank
        entry = bank.resolve(identity)
        bank.annotations.tag(entry, tags, set(entry.tags) - set(tags))

    def note(self, identity: str, text: str) -> None:
        """Raises as ``Annotations.note``."""
        bank = self.bank
        bank.annotations.note(bank.resolve(identity), text)

    def _fit(self, bank: Bank, entry: Entry, model: Description) -> Fit:
        """Whether an attribute can act on a model; one that is damaged cannot, and stops nobody."""
        key = entry.id, model.fingerprint
        if key not in self._fits:
            try:
                found = misfit(bank.record(entry), model)
            except AttrbankError:
                return "no"
            self._fits[key] = "yes" if found is None else "related" if found.forcible else "no"
        return self._fits[key]


def _slider(entry: Entry, *, has_preview: bool) -> dict[str, Any]:
    measured = entry.usable_low is not None and entry.usable_high is not None
    low, high = (entry.usable_low, entry.usable_high) if measured else UNMEASURED
    first = entry.pairs[0]._asdict() if entry.pairs else None
    known = {"name": entry.name, "id": entry.id, "tags": list(entry.tags), "pair": first, "preview": has_preview}
    return known | {"low": low, "high": high, "measured": measured, "score": entry.score}


def _exhibit(bank: Bank, entry: Entry) -> dict[str, Any]:
    said, card = _sound(bank.annotations.of, entry), _sound(bank.measurements.card, entry)
    return _slider(entry, has_preview=bank.previews.path(entry) is not None) | {
        "reference": entry.reference,
        "origin": entry.origin,
        "note": said.note if said else "",
        "aliases": list(said.aliases) if said else [],
        "facts": [*entry_facts(entry), *(card_facts(card) if card else ())],
    }


def _sound(read: Callable[[Entry], Found | None], entry: Entry) -> Found | None:
    """What lies beside an attribute; nothing if it is damaged, since the gallery is of use without it."""
    try:
        return read(entry)
    except CorruptArtifactError:
        return None
