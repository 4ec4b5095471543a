"""Data whose score is known in closed form: what a sampler should do with it can be computed.

For data from N(0, s²) the best prediction is linear in x. A sampler that takes linear steps then makes its last
latent a linear function of the initial noise and of the noise of each step, and a batch that holds one row for each
of these sources tells the variance exactly: no draws, no statistical error, and any state is carried along.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Grid, Prediction, Sampler
from attrbank.diffusion.schedule import Schedule

SCHEDULE = Schedule.from_config(
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "timestep_spacing": "trailing"}
)


def marginal_variance(t: int, data_variance: float, schedule: Schedule = SCHEDULE) -> float:
    """Var x_t = ᾱ s² + 1 − ᾱ."""
    alpha_bar = schedule.alpha_bar(t)
    return alpha_bar * data_variance + 1 - alpha_bar


def best_prediction(x: Tensor, t: int, data_variance: float, schedule: Schedule = SCHEDULE) -> Prediction:
    """What a perfect network says: E[ε | x] = √(1−ᾱ) x / Var x."""
    alpha_bar = schedule.alpha_bar(t)
    eps = (1 - alpha_bar) ** 0.5 * x / marginal_variance(t, data_variance, schedule)
    return from_epsilon(x, eps, alpha_bar)


def run(sampler: Sampler, grid: Grid, data_variance: float) -> Iterator[Tensor]:
    """The latents (B, 1, 1, 1) after each step, one row for each source of noise, in float64."""
    rows = len(grid) + 1 if sampler.stochastic else 1
    x = torch.zeros(rows, 1, 1, 1, dtype=torch.float64)
    x[0] = marginal_variance(grid[0][0], data_variance) ** 0.5
    state = None
    for index, (t, t_prev) in enumerate(grid):
        noise = torch.zeros_like(x) if sampler.stochastic else None
        if noise is not None:
            noise[index + 1] = 1
        x, state = sampler.step(x, best_prediction(x, t, data_variance), t, t_prev, SCHEDULE, noise, state)
        yield x


def variances(sampler: Sampler, grid: Grid, data_variance: float) -> list[float]:
    """Variance of the latents after each step."""
    return [float(x.square().sum()) for x in run(sampler, grid, data_variance)]


def expected_variances(grid: Grid, data_variance: float) -> list[float]:
    """The variance that the forward process gives to the latents after each step."""
    return [marginal_variance(t_prev, data_variance) for _, t_prev in grid]
