"""What every way to bring an attribute into a picture has, so that an evaluation can compare it with others.

A competitor has a name and strengths to be tried at, and makes the pictures of a bench again with the attribute in
them, from the same noise in the same steps. Strengths run from weak to strong; what they mean differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers.results import Learning


class Trials(NamedTuple):
    """The strengths that a competitor is tried at: all of them, or the few of a quick look."""

    full: tuple[float, ...]
    quick: tuple[float, ...]


UNBOUNDED = Trials((0.4, 0.7, 1.0, 1.3, 1.6), (0.7, 1.0, 1.3))
SHARES = Trials((0.25, 0.5, 0.75, 1.0), (0.5, 1.0))
WIDE = Trials((0.25, 0.5, 1.0, 2.0, 4.0), (0.5, 1.0, 2.0))
"""Of what somebody else's method has learned: nobody knows beforehand what its strength 1 does."""
TIMES = Trials((0.4, 0.5, 0.6, 0.7, 0.8, 0.9), (0.5, 0.8, 0.9))


@dataclass
class Competitor:
    """One way to do it.

    Attributes:
        name: as reports and ``--against`` call it.
        trials: its strengths by default.
        free: whether users may choose its strengths; a share then lies in [0, 1].
    """

    name: str
    trials: ClassVar[Trials] = SHARES
    free: ClassVar[bool] = True

    def strengths(self, asked: Sequence[float] | None, subject: Subject, *, quick: bool) -> tuple[float, ...]:
        """Where it is measured, from weak to strong.

        Args:
            asked: what the user wants instead of these.
            subject: the attribute.
            quick: take fewer.
        """
        trials = self._trials(subject)
        if asked is None or not self.free:
            return trials.quick if quick else trials.full
        return tuple(sorted(s for s in asked if max(trials.full) > 1 or 0 <= s <= 1)) or (1.0,)

    def _trials(self, subject: Subject) -> Trials:
        return self.trials

    def runs_on(self, backbone: Backbone) -> bool:
        """Whether the model can do what it takes."""
        return True

    def fits(self, subject: Subject) -> bool:
        """Whether there is anything to measure that another competitor does not measure as well."""
        return True

    def expanded(self, bench: Bench, subject: Subject) -> Sequence[Competitor]:
        """The ways that a name stands for, where that depends on the model and the attribute; most are one."""
        return (self,)

    def unsuited(self, bench: Bench, subject: Subject) -> str | None:
        """Why it is left out, in a sentence, where nobody has asked for it by name; None if it is measured."""
        return None

    def prepare(self, bench: Bench, subject: Subject) -> None:
        """What is done once for all strengths and counts for none."""

    def can_have(self, subject: Subject, strength: float) -> bool:
        """Whether there is such a strength, which is known once it is prepared."""
        return True

    def learning(self, subject: Subject) -> Learning | None:
        """What ``prepare`` took, where it has learned something."""
        return None

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """The clean latents (B, C, H, W) of the bench's pictures with the attribute."""
        raise NotImplementedError
