"""Data whose score is known in closed form: what a sampler should do with it can be computed."""

from __future__ import annotations

import pytest
import torch

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.schedule import Schedule, timestep_grid
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM

SCHEDULE = Schedule.from_config(
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "timestep_spacing": "trailing"}
)


def marginal_variance(t: int, data_variance: float) -> float:
    alpha_bar = SCHEDULE.alpha_bar(t)
    return alpha_bar * data_variance + 1 - alpha_bar


def best_prediction(x: torch.Tensor, t: int, data_variance: float) -> Prediction:
    """What a perfect network says for data from N(0, s²): E[ε | x] = √(1−ᾱ) x / var(x)."""
    alpha_bar = SCHEDULE.alpha_bar(t)
    return from_epsilon(x, (1 - alpha_bar) ** 0.5 * x / marginal_variance(t, data_variance), alpha_bar)


def variances(sampler: DDIM | DDPM, grid: Grid, data_variance: float) -> list[float]:
    """Variance of the latents after each step; a step is linear in (x, noise), so its two gains tell all."""
    variance, found = marginal_variance(grid[0][0], data_variance), []
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for t, t_prev in grid:
        kept, _ = sampler.step(one, best_prediction(one, t, data_variance), t, t_prev, SCHEDULE, zero, None)
        added, _ = sampler.step(zero, best_prediction(zero, t, data_variance), t, t_prev, SCHEDULE, one, None)
        variance = float(kept**2 * variance + added**2)
        found.append(variance)
    return found


@pytest.mark.parametrize("sampler", [DDIM(), DDIM(0.5), DDIM(1.0), DDPM()])
@pytest.mark.parametrize("steps", [7, 50])
def test_noise_around_a_single_point_has_the_right_variance_on_any_grid(sampler: DDIM | DDPM, steps: int) -> None:
    grid = timestep_grid(steps, SCHEDULE)
    expected = [marginal_variance(t_prev, 0.0) for _, t_prev in grid]
    assert variances(sampler, grid, 0.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("sampler", [DDIM(), DDIM(0.5), DDIM(1.0), DDPM()])
@pytest.mark.parametrize("data_variance", [0.25, 1.0, 4.0])
def test_marginal_variance_is_right_at_every_step(sampler: DDIM | DDPM, data_variance: float) -> None:
    grid = timestep_grid(1000, SCHEDULE)
    expected = [marginal_variance(t_prev, data_variance) for _, t_prev in grid]
    assert variances(sampler, grid, data_variance) == pytest.approx(expected, rel=0.02)


def test_ddim_converges_with_order_one() -> None:
    """The probability flow scales x by the standard deviations, so the exact end point is known."""

    def error(steps: int) -> float:
        final = variances(DDIM(), timestep_grid(steps, SCHEDULE), 4.0)[-1]
        return abs(final**0.5 - 2.0)

    errors = [error(steps) for steps in (50, 100, 200)]
    assert 1.7 < errors[0] / errors[1] < 2.3
    assert 1.7 < errors[1] / errors[2] < 2.3


@pytest.mark.parametrize("sampler", [DDIM(), DDIM(1.0), DDPM()])
def test_last_step_lands_on_the_predicted_clean_latent(sampler: DDIM | DDPM) -> None:
    t, t_prev = timestep_grid(10, SCHEDULE)[-1]
    x, eps, noise = torch.randn(3, 2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    prediction = from_epsilon(x, eps, SCHEDULE.alpha_bar(t))
    clean, _ = sampler.step(x, prediction, t, t_prev, SCHEDULE, noise, None)
    torch.testing.assert_close(clean, prediction.x0)
