"""The judge of the model: an eye that reads the truth back, beside perfect edits that were drawn beforehand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from torch import Tensor

from attrbank.plugin import (
    SPLITS,
    Case,
    Judge,
    PerfectEdits,
    Subject,
    perceptual_distance,
)
from attrbank_avatars import damage, eyes, perfect
from attrbank_avatars.goals import GOALS, PROMPTS, exclude
from attrbank_avatars.readings import (
    Pictures,
    colours,
    effect,
    flips,
    geometry_error,
    identity_error,
    lacking,
    look_at,
)

HIDES_HAIR = ("hat", "length", "sex")

Damaged: TypeAlias = Callable[[Tensor], Tensor]


class AvatarsJudge(Judge):
    """Judges the largest figure of a picture by one of the two eyes.

    Args:
        role: which.
        damaged: says of images (B, 3, 128, 128) in [0, 1] which are damaged, (B,) bool; None where nothing can tell.
    """

    goals = PROMPTS

    def __init__(self, role: eyes.Role, damaged: Damaged | None = None) -> None:
        self.name: str = role
        detector = [damage.PATH] if damaged else []
        self.weights = eyes.fingerprint(eyes.FOLDER / f"{role}.safetensors", perfect.PATH, *detector)
        self._eye, self._damaged = eyes.load(role), damaged
        self._perfect = functools.cache(self._perfect_edits)

    def look(self, images: Tensor) -> Pictures:
        """The eye's reading and features of images (B, 3, h, w) in [0, 1]."""
        found = look_at(self._eye, images)
        return found if self._damaged is None else replace(found, damaged=self._damaged(images))

    def effect(self, subject: Subject, view: Pictures) -> Tensor:
        """The probability of what the attribute promises − ½, (B,)."""
        return effect(_goal(subject), view)

    def lacking(self, subject: Subject, view: Pictures) -> Tensor:
        """One figure that lacks it, in a style whose designer drew it, (B,) bool."""
        return lacking(_goal(subject), view)

    def figures(self, subject: Subject, before: Pictures, after: Pictures) -> Mapping[str, Tensor]:
        """Success, damage, effect, flips, errors of identity and geometry, perceptual distance (docs/method.md 7)."""
        return self._figures(_goal(subject), before, after)

    def traits(self, subject: Subject, view: Pictures) -> Tensor:
        """The colours of hair and clothes, which edits are known to make alike in everybody, (B, 6) or (B, 3).

        Clothes alone where the edit decides what can be seen of the hair.
        """
        found = colours(view)
        return found[:, 3:] if GOALS[_goal(subject)].trait in HIDES_HAIR else found

    def distances(self, subject: Subject, before: Pictures, after: Pictures) -> Mapping[str, float]:
        """FID and KID over the eye's features of the figure's frame, to perfect edits."""
        return self._perfect(_goal(subject)).distances(after.embedding)

    def limit(self, subject: Subject) -> Mapping[str, float]:
        """What the designers' own edit of other figures costs."""
        return self._perfect(_goal(subject)).costs

    def excludes(self, one: Subject, other: Subject) -> bool:
        """Whether no figure can have both, as a hat of hair and none."""
        return exclude(_goal(one), _goal(other))

    def _figures(self, goal: str, before: Pictures, after: Pictures) -> Mapping[str, Tensor]:
        found = effect(goal, after)
        return {
            "success": found > 0,
            **({} if after.damaged is None else {"damage": after.damaged}),
            "effect": found,
            "flips": flips(before, after, GOALS[goal]),
            "identity": identity_error(before, after),
            "geometry": geometry_error(before, after),
            "perceptual": perceptual_distance(before, after),
        }

    def _perfect_edits(self, goal: str) -> PerfectEdits:
        before, after = (self.look(pictures.float() / 255) for pictures in perfect.load()[goal])
        return PerfectEdits.of(self._figures(goal, before, after), after.embedding)


def judge_of(case: Case) -> AvatarsJudge:
    """The eye that may look at the seeds of the case's split; it sees damage once a detector is shipped."""
    detector = damage.load().sees if damage.PATH.exists() else None
    return AvatarsJudge(SPLITS[case.split].oracle, detector)


def _goal(subject: Subject) -> str:
    if subject.goal is None:
        raise ValueError(f"{subject.label} promises nothing that an eye could see")
    return subject.goal
