"""Several attributes at once, by one rule or another; each combination is made once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.editing.composition import Act
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.cells import Cell, CellStore, Key
from attrbank.evaluation.bench.rival_edits import KnownChange
from attrbank.evaluation.bench.setting import Setting
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.judge import Hearing
from attrbank.methods.protocol import OnProgress
from attrbank.schema.measured import Rule

STRENGTH = 1.0
BESIDE = ("perceptual", "damage")
"""Figures that are a picture's, whatever attribute is asked after."""
INDIFFERENT = 1e-4
"""Latents have about unit variance; below this they are the same but for rounding."""


@dataclass(frozen=True, eq=False)
class Combination:
    """Attributes in the order in which they are given, and the rule by which they act."""

    subjects: tuple[Subject, ...]
    rule: Rule = "sequence"


class Together:
    """Measures combinations that the store lacks.

    Args:
        setting: the attributes, the pictures and the judge.
        store: where cells go, and where those already measured come from.
    """

    def __init__(self, setting: Setting, store: CellStore) -> None:
        self._bench: Bench = setting.bench
        self._judge: Hearing = setting.judge
        self._store = store
        self._before = self._judge.look(self._bench.images(self._bench.unedited))
        self._acts = {s.id: self._bench.act(s.learned, STRENGTH) for s in setting.subjects}
        self._steady = {identity: self._is_steady(act) for identity, act in self._acts.items()}

    def lacking(self, subject: Subject) -> Tensor:
        """Which of the unedited pictures lack the attribute, (B,) bool."""
        return self._judge.lacking(subject, self._before)

    def fits(self, combination: Combination) -> bool:
        """Whether the rule makes sense: what acts on the way has no one change that could be added."""
        acts = (self._acts[subject.id] for subject in combination.subjects)
        return combination.rule == "sequence" or all(act.at_once is not None for act in acts)

    def measure(self, combinations: Iterable[Combination], on_progress: OnProgress) -> None:
        """Measure all of these that make pictures of their own."""
        missing = self.missing(combinations)
        for done, combination in enumerate(missing.values()):
            names = " + ".join(subject.label for subject in combination.subjects)
            on_progress(names, done, len(missing))
            self._store.add(self._cell(combination))

    def missing(self, combinations: Iterable[Combination]) -> dict[Key, Combination]:
        """Those of them that the store lacks, each in the one form that is measured."""
        return {_key(c): c for c in map(self._canonical, combinations) if _key(c) not in self._store}

    def cell(self, combination: Combination) -> Cell:
        """What was measured: the success of every attribute under its id, and what of ``BESIDE`` the judge can tell."""
        return self._store[_key(self._canonical(combination))]

    def _is_steady(self, act: Act) -> bool:
        """Whether the edit changes all latents alike, so that it does not matter what has changed them before."""
        if act.at_once is None:
            return False
        return torch.allclose(self._bench.change(act), self._bench.change(act, 1.1), rtol=0, atol=INDIFFERENT)

    def _canonical(self, combination: Combination) -> Combination:
        """The one among those that make the same pictures that is measured for all of them."""
        # As apply orders them; steady edits at one time make the same picture in any order.
        steady = all(self._steady[subject.id] for subject in combination.subjects)
        subjects = sorted(combination.subjects, key=lambda s: s.id) if steady else combination.subjects
        acts, rule = self._acts, combination.rule
        ordered = sorted(subjects, key=lambda s: (acts[s.id].index, -s.learned.record.t_x))
        at_once = len({acts[subject.id].index for subject in ordered}) == 1
        if len(ordered) == 1 or (rule == "sum" and steady and at_once):
            rule = "sequence"
        return Combination(tuple(ordered), rule)

    def _cell(self, combination: Combination) -> Cell:
        bench, subjects = self._bench, combination.subjects
        images, cost = bench.measured(lambda: bench.images(self._latents(combination)))
        after = self._judge.look(images)
        seen = [self._judge.figures(subject, self._before, after) for subject in subjects]
        values = {subject.id: found["success"] for subject, found in zip(subjects, seen, strict=True)}
        values |= {name: seen[0][name] for name in BESIDE if name in seen[0]}
        attribute, competitor, strength = _key(combination)
        return Cell(
            attribute=attribute,
            competitor=competitor,
            strength=strength,
            values={name: tuple(found.float().tolist()) for name, found in values.items()},
            distances={},
            evaluations=cost.evaluations / len(images),
            seconds=cost.seconds / len(images),
            strip="",
        )

    def _latents(self, combination: Combination) -> Tensor:
        return composed(self._bench, [self._acts[subject.id] for subject in combination.subjects], combination.rule)


def composed(bench: Bench, acts: Sequence[Act], rule: Rule) -> Tensor:
    """Clean latents (B, C, H, W) with all of these edits, which come in the order in which they act.

    Raises:
        InvalidValueError: an edit acts on the way, so that it has no one change that could be added.
    """
    if rule == "sequence":
        return bench.edited(acts)
    return bench.edited([summed(bench, acts, 1.0 if rule == "sum" else 1 / math.sqrt(len(acts)))])


def summed(bench: Bench, acts: Sequence[Act], share: float) -> Act:
    """One edit where the first of these acts, of the changes of all, each brought to the signal level there."""
    first, alpha_bar = acts[0].index, bench.trajectory.alpha_bar
    changes = [math.sqrt(alpha_bar(first) / alpha_bar(act.index)) * bench.change(act) for act in acts]
    opposed = tuple(phrase for act in acts for phrase in act.opposed)
    return Act(first, KnownChange(torch.stack(changes).sum(0)), share, opposed=opposed)


def _key(combination: Combination) -> Key:
    ids = "+".join(subject.id for subject in combination.subjects)
    return ids, f"together:{combination.rule}", STRENGTH
