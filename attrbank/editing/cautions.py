"""What users should know of attributes before they act together: the same in plans and in pipelines of diffusers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple, Protocol

from attrbank.attribute.calibration import beyond_range, calibration_of
from attrbank.editing.contradiction import apart_from, are_opposites, opposed_to, said_of
from attrbank.errors import AttrbankError
from attrbank.schema.choices import Core
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry


class Wanted(Protocol):
    """An attribute as it is to act, of which ``editing.plan.Turn`` says more."""

    @property
    def entry(self) -> Entry:
        """Which one."""

    @property
    def record(self) -> AttributeRecord:
        """What its artifact says."""

    @property
    def strength(self) -> float:
        """As the user gives it."""

    @property
    def core(self) -> Core | None:
        """With which it acts; None if its method has none."""

    @property
    def raw(self) -> bool:
        """Whether the strength is taken as it is, whatever the calibration says."""

    @property
    def words(self) -> tuple[str, ...]:
        """At which of the prompt's it acts; none for most."""


class Contradiction(NamedTuple):
    """What a prompt says against an attribute, as "serious" against a smile."""

    name: str
    phrases: list[str]

    def __str__(self) -> str:
        return f"the prompt says {' and '.join(map(repr, self.phrases))} against {self.name}"


def cautions_of(wanted: Sequence[Wanted], bank: Bank) -> Iterator[str]:
    """A sentence for each thing that speaks against these strengths, or against these attributes at once."""
    yield from _beyond_range(wanted)
    yield from _opposites(wanted)
    yield from _bad_pairs(bank, wanted)


def contradictions(wanted: Sequence[Wanted], prompt: str) -> list[Contradiction]:
    """What a prompt says against attributes, apart from words at which others act.

    Nothing is told of the prompt that an attribute was learned from first, which is what it is made for.
    """
    words = [word for one in wanted if one.strength for word in one.words]
    known = [(one, said_of(prompt, apart_from(opposed_to(one.record, one.strength), words))) for one in wanted]
    return [Contradiction(one.entry.name, said) for one, said in known if said and prompt != one.record.prompt]


def _beyond_range(wanted: Sequence[Wanted]) -> list[str]:
    known = [(one, calibration_of(one.record, one.core)) for one in wanted if not one.raw]
    found = ((one.entry.name, beyond_range(calibration, one.strength)) for one, calibration in known)
    return [f"{name}: {warning}" for name, warning in found if warning]


def _opposites(wanted: Sequence[Wanted]) -> list[str]:
    """Attributes that lead away from each other: together they do little, or harm."""
    return [
        f"{one.entry.name} and {other.entry.name} are opposites, and take each other back"
        for one, other in combinations(wanted, 2)
        if one.strength * other.strength > 0 and are_opposites(one.record, other.record)
    ]


def _bad_pairs(bank: Bank, wanted: Sequence[Wanted]) -> list[str]:
    """What the bank's matrix says against these attributes at once; one that is damaged stops nobody."""
    names = {one.entry.id: one.entry.name for one in wanted if one.strength > 0}
    if len(names) < 2:
        return []
    try:
        bad = [pair for pair in bank.measurements.pairs(tuple(names)) if pair.bad]
    except AttrbankError as error:
        return [error.message]
    return [
        f"{names[pair.of]} suffers from {names[pair.given]}: with it, it came in {pair.together.value:.2f} "
        f"of the pictures, alone in {pair.alone.value:.2f}"
        for pair in bad
    ]
