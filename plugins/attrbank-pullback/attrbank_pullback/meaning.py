"""What an attribute changes most of all that a judge can see: a name for what was found without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from attrbank.plugin import (
    Bank,
    Bench,
    Case,
    Entry,
    InvalidValueError,
    LearnedAttribute,
    OnProgress,
    Placement,
    Subject,
    check_binding,
    load_plugins,
    opened,
)

LEAST, AGREEING = 0.5, 0.75
"""By how much of its spread over people a reading must change, in the mean, to give a name; and in which share of them
that way. Of what hardly anybody wears the spread is small, and two people are enough to change the mean."""


class Change(NamedTuple):
    """What an attribute does to one of the readings.

    Attributes:
        goal: what is read.
        size: the mean change at the strength that was asked for, in standard deviations over the unedited people.
        agreeing: the share of them in whom it goes that way.
    """

    goal: str
    size: float
    agreeing: float


@dataclass(frozen=True)
class Meaning:
    """What a judge has seen of an attribute.

    Attributes:
        changes: of all readings, the largest first.
    """

    changes: tuple[Change, ...]

    @property
    def name(self) -> str | None:
        """The reading that changes most, with - before it where it is taken away; None if none does so in most."""
        clear = [each for each in self.changes if abs(each.size) >= LEAST and each.agreeing >= AGREEING]
        return f"{'-' if clear[0].size < 0 else ''}{clear[0].goal}" if clear else None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"name": self.name, "changes": [change._asdict() for change in self.changes]}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked.

    Attributes:
        references: the attributes, of one model.
        seeds: of the people.
        strength: at which each acts.
        backbone: the model, if not the one that they were learned on; ``placement`` says where it runs.
        bank: where they are.
    """

    references: Sequence[str]
    seeds: tuple[int, ...]
    strength: float = 1.0
    backbone: str | None = None
    placement: Placement | None = None
    bank: Path | None = None


def meanings(
    request: Request, on_progress: OnProgress = lambda stage, done, total: None
) -> Iterator[tuple[Entry, Meaning]]:
    """Look at some people with and without each attribute, with the eyes that may choose.

    Raises:
        NotFoundError, IncompatibleError: there is no such attribute, or it is of another model.
        InvalidValueError: the model has no judge of its own, or one that sees nothing by name; or too few seeds.
    """
    if len(request.seeds) < 2:
        raise InvalidValueError("One person has no spread to compare with.", "Give two seeds or more.")
    bank, plugins = Bank.open(request.bank), load_plugins()
    entries = bank.resolve_all(request.references)
    found = [(entry, opened(bank.artifact(entry))) for entry in entries]
    source = request.backbone or found[0][1].record.backbone.name
    for _, learned in found:
        check_binding(learned.record, plugins.describe(source))
    backbone = plugins.backbone(source, request.placement)
    bench = Bench(backbone, backbone.defaults.prompt, request.seeds)
    judge = plugins.judge_of(source, Case(backbone=backbone, prompt=bench.prompt, split="tune", source=source))
    seen = Eyes(judge, bench)
    for done, (entry, learned) in enumerate(found):
        on_progress("looking", done, len(found))
        edited = bench.images(bench.edited([bench.act(learned, request.strength)]))
        yield entry, seen.meaning(learned, edited)
    on_progress("looking", len(found), len(found))


class Eyes:
    """A judge, and what it sees of the unedited people.

    Args:
        judge: with goals.
        bench: the people.

    Raises:
        InvalidValueError: it has none.
    """

    def __init__(self, judge: Any, bench: Bench) -> None:
        self._judge, self._goals = judge, dict(getattr(judge, "goals", {}))
        if not self._goals:
            raise InvalidValueError("The judge of this model sees nothing by a name, so it can give none.")
        self._before = judge.look(bench.images(bench.unedited))

    def meaning(self, learned: LearnedAttribute, images: Tensor) -> Meaning:
        """What pictures of the same people (B, 3, h, w) with an attribute have more, or less."""
        after, changes = self._judge.look(images), []
        subject = Subject(learned.record.name, "", 0, learned, target="")
        for goal, prompt in self._goals.items():
            asked = replace(subject, goal=goal, target=prompt)
            before = self._judge.effect(asked, self._before)
            changes.append(_change(goal, before, self._judge.effect(asked, after) - before))
        return Meaning(tuple(sorted(changes, key=lambda change: -abs(change.size))))


def _change(goal: str, before: Tensor, moved: Tensor) -> Change:
    mean = float(moved.mean())
    agreeing = float((moved * mean > 0).float().mean())
    return Change(goal, mean / max(float(before.std()), 1e-6), agreeing)
