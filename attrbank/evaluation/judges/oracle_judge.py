"""The judge of ``portraits``: an oracle that reads the truth back, beside the renderer's own perfect edits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from torch import Tensor

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.evaluation.bench.split import SPLITS
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges import oracle
from attrbank.evaluation.judges.judge import Case, Judge
from attrbank.evaluation.judges.perfect import PerfectEdits
from attrbank.evaluation.judges.readings import (
    GOALS,
    HAIR,
    HIDES_HAIR,
    PROMPTS,
    Pictures,
    effect,
    flips,
    has_all,
    identities,
    identity_error,
    look_at,
    perceptual_distance,
)

Damaged: TypeAlias = Callable[[Tensor], Tensor]

RENDERS = 512
FIRST_SEED: dict[oracle.Role, int] = {"judge": 10_000, "tuner": 1_000}
"""Of the renderer's portraits, whose seeds are split like all others."""


class OracleJudge(Judge):
    """Judges by one of the two oracle.

    Args:
        role: which.
        renders: how many portraits are drawn for the limit and for distances between distributions.
        damaged: says of images (B, 3, h, w) in [0, 1] which are damaged, (B,) bool; None where nothing can tell.
    """

    goals = PROMPTS

    def __init__(self, role: oracle.Role, renders: int = RENDERS, damaged: Damaged | None = None) -> None:
        self.name: str = role
        self.weights = oracle.fingerprint(role, *(["damage"] if damaged else []))
        self._oracle, self._damaged = oracle.load(role), damaged
        self._people = draw(renders, FIRST_SEED[role])
        self._perfect = functools.cache(self._perfect_edits)

    def look(self, images: Tensor) -> Pictures:
        """The oracle's reading and features of images (B, 3, h, w) in [0, 1]."""
        seen = look_at(self._oracle, images)
        return seen if self._damaged is None else replace(seen, damaged=self._damaged(images))

    def effect(self, subject: Subject, view: Pictures) -> Tensor:
        """By how much what the attribute promises is kept, in the renderer's units, (B,)."""
        return effect(_goal(subject), view)

    def figures(self, subject: Subject, before: Pictures, after: Pictures) -> Mapping[str, Tensor]:
        """Success, damage, effect, flips, identity error and perceptual distance (docs/method.md 7)."""
        return self._figures(_goal(subject), before, after)

    def traits(self, subject: Subject, view: Pictures) -> Tensor | None:
        """The colour of the hair, (B, 3), which edits are known to make alike in everybody; None where an edit may.

        Age greys hair, and of what a hat covers or who is bald an oracle can only guess.
        """
        return None if GOALS[_goal(subject)].value in HIDES_HAIR else identities(view, *HAIR)

    def distances(self, subject: Subject, before: Pictures, after: Pictures) -> Mapping[str, float]:
        """FID and KID over the oracle's features, to perfect edits of rendered people who lacked the attribute."""
        return self._perfect(_goal(subject)).distances(after.embedding)

    def limit(self, subject: Subject) -> Mapping[str, float]:
        """What the renderer's own edit of the same portraits costs."""
        return self._perfect(_goal(subject)).costs

    def excludes(self, one: Subject, other: Subject) -> bool:
        """Whether no portrait can have both, as young and old; a laughing one smiles as well."""
        return GOALS[_goal(one)].excludes(GOALS[_goal(other)])

    def _figures(self, goal: str, before: Pictures, after: Pictures) -> Mapping[str, Tensor]:
        value = GOALS[goal].value
        return {
            "success": has_all(after, (goal,)),
            **({} if after.damaged is None else {"damage": after.damaged}),
            "effect": effect(goal, after),
            "flips": flips(before, after, value),
            "identity": identity_error(before, after, value),
            "perceptual": perceptual_distance(before, after),
        }

    def _perfect_edits(self, goal: str) -> PerfectEdits:
        """Of rendered people who lack the attribute, and the same with it."""
        lacking = self._people[GOALS[goal].lacked_by(self._people)]
        before, after = self.look(render(lacking)), self.look(render(GOALS[goal].given_to(lacking)))
        return PerfectEdits.of(self._figures(goal, before, after), after.embedding)


def of_portraits(case: Case) -> OracleJudge:
    """The oracle that may look at the seeds of the case's split."""
    return OracleJudge(SPLITS[case.split].oracle, damaged=oracle.load_damage().sees)


def _goal(subject: Subject) -> str:
    if subject.goal is None:
        raise ValueError(f"{subject.label} promises nothing that an oracle could see")
    return subject.goal
