"""What an attribute does at several raw strengths, and what its strengths are to mean after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.numbers.curves import GOAL, Values, matched, usable
from attrbank.schema.choices import Core
from attrbank.schema.stored import Calibration, Trial

MARGIN = 1.2
"""Strength 1 is this much more than what just suffices on the tuning seeds, under a prompt that does not resist."""
BEHIND = 0.25
"""The share of pictures that may lag behind what a strength promises. A mean would promise nothing to any: pictures
turn at once, each at a strength of its own, so that at .7 of the mean effect a quarter have not turned at all."""
HARM = ("flips", "identity")
"""What else changes; where a judge can name neither, the distance to the unedited picture."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """One attribute at several raw strengths, on the pictures that lack it.

    Attributes:
        learned: the attribute, uncalibrated.
        core: which of its cores; None if its method has none.
        strengths: raw ones, increasing.
        values: figures of the judge by name, (S, N).
        limit: the figures of a perfect edit, as far as the judge knows them.
        unedited: the effect without an edit, (N,).
    """

    learned: LearnedAttribute
    core: Core | None
    strengths: Sequence[float]
    values: Mapping[str, Values]
    limit: Mapping[str, float]
    unedited: Values

    def figures(self) -> dict[str, float]:
        """Where success first reaches .95, or is highest: success, and what else changes."""
        found = matched(self.strengths, self.values, self.limit).figures
        harm = [name for name in HARM if name in found] or ["perceptual"]
        return {name: found[name].value for name in ("success", *harm)}

    def cost(self, target: Mapping[str, float]) -> tuple[float, float]:
        """How far success stays below .95 at best, then what else changes there, in shares of the target prompt's.

        Less is better: first an attribute has to come, then to leave the rest alone.
        """
        found = self.figures()
        shares = [value / max(target[name], 1e-3) for name, value in found.items() if name != "success"]
        return max(0.0, GOAL - found["success"]), sum(shares)

    def trial(self, *, acts_once: bool) -> Trial:
        """What is recorded of it."""
        t_x = self.learned.record.t_x if acts_once else None
        figures = {name: round(value, 4) for name, value in self.figures().items()}
        return Trial(core=self.core, t_x=t_x, figures=figures)

    def calibration(self, judge: str, seeds: Sequence[int]) -> Calibration | None:
        """At strength s three pictures in four have s or more of their effect at 1; None if it never comes."""
        means = {name: values.mean(1) for name, values in self.values.items()}
        most = self.limit.get("perceptual")
        lasting = usable(self.strengths, means["success"], means["effect"], means["perceptual"], most)
        if lasting is None:
            return None
        full = min(MARGIN * matched(self.strengths, self.values, self.limit).strength, self.strengths[-1])
        points = self._shares(full)
        return Calibration(
            core=self.core,
            strengths=tuple(strength for strength, _ in points),
            raw=tuple(raw for _, raw in points),
            low=0.0,
            high=round(max(1.0, lasting[1] / full), 2),
            judge=judge,
            seeds=tuple(seeds),
        )

    def _shares(self, full: float) -> list[tuple[float, float]]:
        """The points (share, raw strength) up to (1, full)."""
        known, effects = np.array([0.0, *self.strengths]), np.vstack([self.unedited, self.values["effect"]])
        raw = np.union1d(known[known < full], full)
        gains = np.stack([np.interp(raw, known, picture) - picture[0] for picture in effects.T], 1)
        grown = gains[:, gains[-1] > 0]
        return _rising(np.quantile(grown / grown[-1], BEHIND, axis=1), raw)


def _rising(shares: Values, raw: Values) -> list[tuple[float, float]]:
    """The points (share, raw strength) between 0 and 1 at which the effect has grown."""
    kept = [(0.0, 0.0)]
    for share, strength in zip(shares[:-1].round(4).tolist(), raw[:-1].round(4).tolist(), strict=True):
        if kept[-1][0] < share < 1 and strength > 0:
            kept.append((share, strength))
    return [*kept, (1.0, round(float(raw[-1]), 4))]
