"""Unedited latents that many edits leave from: computed once, and charged to everyone who uses them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from torch import Tensor

from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Conditioning
from attrbank.diffusion.trajectory import Trajectory

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """What pictures took.

    Attributes:
        evaluations: rows that the network predicted.
        seconds: on the clock.
    """

    evaluations: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.evaluations + other.evaluations, self.seconds + other.seconds)

    def __sub__(self, other: Cost) -> Cost:
        return self + other * -1

    def __mul__(self, factor: float) -> Cost:
        return Cost(self.evaluations * factor, self.seconds * factor)


@dataclass
class _Way:
    """Every position of one prompt's run as far as it has come, and what it cost to get to each."""

    positions: list[Position]
    costs: list[Cost] = field(default_factory=lambda: [Cost()])


class SharedRuns:
    """Runs of the same seeds under any prompt. Whoever asks again gets what was computed before.

    ``measured`` counts as if nothing had been shared, so that what an edit is said to cost does not depend on
    what was measured before it.

    Args:
        trajectory: to run on.
        seeds: one a picture.
    """

    def __init__(self, trajectory: Trajectory, seeds: Sequence[int]) -> None:
        self.trajectory, self.seeds = trajectory, tuple(seeds)
        self._ways: dict[str, _Way] = {}
        self._clean: dict[tuple[str, int], tuple[Tensor, Cost]] = {}
        self._spent = Cost()
        self._owed: dict[Hashable, Cost] = {}

    def conditioning(self, prompt: str) -> Conditioning:
        """Of one prompt, for all rows."""
        return self.trajectory.conditioning(prompt)

    def at(self, prompt: str, index: int) -> Position:
        """The prompt's latents after ``index`` steps from the seeds' noise; to be left by an edit or a branch."""
        way = self._ways.setdefault(prompt, _Way([self.trajectory.start(self.seeds)]))
        while len(way.positions) <= index:
            here, conditioning = way.positions[-1], self.conditioning(prompt)
            step = len(way.positions)
            position, cost = self._computed(lambda: self.trajectory.run(here, conditioning, step))  # noqa: B023
            way.positions.append(position)
            way.costs.append(way.costs[-1] + cost)
        self._owed[prompt] = max(self._owed.get(prompt, Cost()), way.costs[index], key=lambda cost: cost.evaluations)
        return way.positions[index]

    def clean(self, prompt: str, index: int) -> Tensor:
        """The clean latent (B, C, H, W) predicted there."""
        position = self.at(prompt, index)
        if (prompt, index) not in self._clean:
            prediction, cost = self._computed(lambda: self.trajectory.predict(position, self.conditioning(prompt)))
            self._clean[prompt, index] = (prediction.x0, cost)
        found, self._owed[prompt, index] = self._clean[prompt, index]
        return found

    def measured(self, work: Callable[[], T]) -> tuple[T, Cost]:
        """What ``work`` gives, and what it would have cost alone."""
        self._owed.clear()
        started, spent = self._now(), self._spent
        result = work()
        return result, sum(self._owed.values(), self._now() - started - (self._spent - spent))

    def only(self, rows: Tensor) -> SharedRuns:
        """Some of the pictures, given as (B,) bool, with all that is known about them."""
        chosen = rows.nonzero()[:, 0].tolist()
        part, share = SharedRuns(self.trajectory, [self.seeds[row] for row in chosen]), len(chosen) / len(self.seeds)
        for prompt, way in self._ways.items():
            positions = [position.rows(chosen) for position in way.positions]
            part._ways[prompt] = _Way(positions, [cost * share for cost in way.costs])
        return part

    def _computed(self, work: Callable[[], T]) -> tuple[T, Cost]:
        started = self._now()
        result, cost = work(), self._now() - started
        self._spent += cost
        return result, cost

    def _now(self) -> Cost:
        return Cost(self.trajectory.evaluations, time.perf_counter())
