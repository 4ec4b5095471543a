"""Each promise of a sampler is one that something can break: here is one culprit for each."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from attrbank.diffusion.protocols import Prediction
from attrbank.plugin.contracts import SamplerContract
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM
from tests.helpers.promises import broken


class Unnamed(DDIM):
    name = "DDIM!"


class StopsShort(DDIM):
    def grid(self, steps, schedule):
        return super().grid(steps, schedule)[:-1]


class SkipsAStep(DDIM):
    def grid(self, steps, schedule):
        grid = super().grid(steps, schedule)
        return (*grid[: steps // 2], *grid[steps // 2 + 1 :], *grid[-1:]) if steps > 2 else grid


class Shrinks(DDIM):
    def step(self, x, prediction, *rest):
        return super().step(x, Prediction(prediction.eps, 0.9 * prediction.x0), *rest)


class TooQuiet(DDPM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        return super().step(x, prediction, t, t_prev, schedule, 0.8 * noise, state)


class DrawsItself(DDPM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        return super().step(x, prediction, t, t_prev, schedule, torch.randn_like(x), state)


class Deaf(DDPM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        deaf = torch.randn(x.shape, generator=torch.Generator().manual_seed(t), dtype=x.dtype)
        return super().step(x, prediction, t, t_prev, schedule, deaf, state)


class WritesOver(DDIM):
    def step(self, x, prediction, *rest):
        moved, state = super().step(x, prediction, *rest)
        return x.copy_(moved), state


class Remembers(DDIM):
    """Keeps its state to itself, where no branch can copy it."""

    last: Any = 0.0

    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        moved, _ = super().step(x, prediction, t, t_prev, schedule, noise, None)
        kick, self.last = 0.001 * self.last, prediction.eps.mean()
        return moved + kick, None


class LostWithoutState(DDIM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        moved, _ = super().step(x, prediction, t, t_prev, schedule, noise, None)
        return (moved if state or t > 900 else 3 * moved), True


class LooksAround(DDIM):
    def step(self, x, prediction, *rest):
        moved, state = super().step(x, prediction, *rest)
        return moved + 0.01 * x.mean(), state


class GoesBackElsewhere(DDIM):
    def invert(self, x_prev, prediction, t, t_prev, schedule):
        return 1.01 * super().invert(x_prev, prediction, t, t_prev, schedule)


@pytest.mark.parametrize(
    ("sampler", "promise"),
    [
        (Unnamed(), "it says what it is"),
        (StopsShort(), "the grid runs from noise to the clean end"),
        (SkipsAStep(), "the grid runs from noise to the clean end"),
        (Shrinks(), "the marginal variance is right at every step"),
        (TooQuiet(), "noise around a single point has the right variance"),
        (TooQuiet(), "the marginal variance is right at every step"),
        (DrawsItself(), "it repeats itself"),
        (Deaf(), "noise matters to a stochastic sampler"),
        (WritesOver(), "what it is given stays as it is"),
        (Remembers(), "a copied state goes on as the original"),
        (LostWithoutState(), "it can start afresh anywhere"),
        (LooksAround(), "a batch is its rows"),
        (GoesBackElsewhere(), "going back undoes a step"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, DDIM | DDPM) else value,
)
def test_a_sampler_that_breaks_a_promise_is_told_so(sampler: DDIM | DDPM, promise: str) -> None:
    assert promise in broken(SamplerContract, sampler)


def test_a_sampler_that_claims_a_higher_order_than_it_has_is_told_so() -> None:
    assert broken(SamplerContract, DDIM(), order=1) == set()
    assert broken(SamplerContract, DDIM(), order=2) == {"it converges with its order"}
