"""Rectified flow, held against diffusers' scheduler of it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from attrbank.diffusion.flow import flow_schedule, from_flow, sigma_of, to_flow
from attrbank.diffusion.schedule import CLEAN, Schedule, Spacing, nearest_index, timestep_at, timestep_grid
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM

KIND = {"_class_name": "FlowMatchEulerDiscreteScheduler"}
SHIFTS: list[dict[str, Any]] = [
    {},
    {"shift": 3.0},
    {"use_dynamic_shifting": True},
    {"use_dynamic_shifting": True, "time_shift_type": "linear", "base_shift": 1.2, "max_shift": 3.0},
    {"num_train_timesteps": 200, "shift": 0.5},
]
TOKENS = 1024


def schedule_of(spacing: Spacing = "trailing", **config: Any) -> Schedule:
    return flow_schedule(KIND | config, TOKENS, spacing)


def mu(config: dict[str, Any]) -> float | None:
    """As FluxPipeline works it out."""
    from diffusers.pipelines.flux.pipeline_flux import calculate_shift

    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    return calculate_shift(TOKENS, 256, 4096, low, high) if config.get("use_dynamic_shifting") else None


def random_velocity(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Stands for a network: some smooth function of latent and time."""
    return torch.tanh(3 * x.roll(1, -1) + x.roll(1, -2)) * (1 + sigma)


@pytest.mark.parametrize("config", SHIFTS)
@pytest.mark.parametrize("steps", [1, 4, 25])
def test_ddim_is_eulers_method_along_the_flow(config: dict[str, Any], steps: int) -> None:
    """On every step, from pure noise (ᾱ = 0) to the clean end (ᾱ = 1)."""
    schedule = schedule_of(**config)
    euler = FlowMatchEulerDiscreteScheduler(**config)
    euler.set_timesteps(sigmas=torch.linspace(1, 1 / steps, steps).tolist(), mu=mu(config))
    theirs = ours = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    for (t, t_prev), sigma, timestep in zip(
        timestep_grid(steps, schedule), euler.sigmas.tolist(), euler.timesteps, strict=False
    ):
        alpha_bar = schedule.alpha_bar(t)
        assert sigma_of(alpha_bar) == pytest.approx(sigma, abs=1e-6)
        theirs = euler.step(random_velocity(theirs, sigma), timestep, theirs).prev_sample
        velocity = random_velocity(to_flow(ours, alpha_bar), sigma)
        ours, _ = DDIM().step(ours, from_flow(ours, velocity, alpha_bar), t, t_prev, schedule, None, None)
        torch.testing.assert_close(to_flow(ours, schedule.alpha_bar(t_prev)), theirs, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("config", SHIFTS)
def test_linspace_is_the_schedulers_own_grid_to_half_a_timestep(config: dict[str, Any]) -> None:
    schedule, euler = schedule_of("linspace", **config), FlowMatchEulerDiscreteScheduler(**config)
    euler.set_timesteps(28, mu=mu(config))
    steepest = max(abs(a - b) for a, b in pairwise([1.0, *map(sigma_of, reversed(schedule.alphas_cumprod)), 0.0]))
    ours = [sigma_of(schedule.alpha_bar(t)) for t, _ in timestep_grid(28, schedule)]
    assert ours == pytest.approx(euler.sigmas[:-1].tolist(), abs=0.51 * steepest)


def test_steps_on_every_timestep_down_to_the_least_are_all_there_can_be() -> None:
    schedule = schedule_of("linspace", shift=3.0)
    assert timestep_grid(998, schedule)[-1] == (2, CLEAN)
    with pytest.raises(InvalidValueError, match="998 timesteps"):
        timestep_grid(999, schedule)


@pytest.mark.parametrize("sigma", [0.0, 1e-3, 0.3, 0.5, 0.999, 1.0])
def test_true_velocity_gives_back_noise_and_clean_latent(sigma: float) -> None:
    x0, eps = torch.randn(2, 3, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    alpha_bar = (1 - sigma) ** 2 / ((1 - sigma) ** 2 + sigma**2)
    x = math.sqrt(alpha_bar) * x0 + math.sqrt(1 - alpha_bar) * eps
    prediction = from_flow(x, eps - x0, alpha_bar)
    torch.testing.assert_close(prediction.x0, x0)
    torch.testing.assert_close(prediction.eps, eps)
    torch.testing.assert_close(to_flow(x, alpha_bar), (1 - sigma) * x0 + sigma * eps)
    assert sigma_of(alpha_bar) == pytest.approx(sigma, abs=1e-12)


@pytest.mark.parametrize("sampler", [DDIM(), DDPM()])
@pytest.mark.parametrize("spacing", ["trailing", "linspace"])
def test_samplers_keep_the_variance_from_pure_noise_to_the_end(sampler: DDIM | DDPM, spacing: Spacing) -> None:
    """Of standard normal data, whose latents are standard normal at all times, and whose best velocity is known."""
    schedule = schedule_of(spacing, shift=3.0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 200, 200, dtype=torch.float64, generator=generator)
    grid = timestep_grid(500, schedule)
    assert schedule.alpha_bar(grid[0][0]) == 0
    for t, t_prev in grid:
        alpha_bar = schedule.alpha_bar(t)
        velocity = (math.sqrt(1 - alpha_bar) - math.sqrt(alpha_bar)) * x  # E[ε − x0 | x]
        noise = torch.randn(x.shape, dtype=x.dtype, generator=generator)
        x, _ = sampler.step(x, from_flow(x, velocity, alpha_bar), t, t_prev, schedule, noise, None)
        assert bool(x.isfinite().all())
    assert float(x.var()) == pytest.approx(1, abs=0.05)


def test_time_fractions_count_steps_whatever_the_shift() -> None:
    for shift in (1.0, 3.0):
        schedule = schedule_of(shift=shift)
        grid = timestep_grid(10, schedule)
        index = nearest_index(grid, schedule, 0.4)
        assert (index, timestep_at(grid, index)) == (6, 399)
        assert sigma_of(schedule.alpha_bar(399)) == pytest.approx(shift * 0.4 / (1 + (shift - 1) * 0.4))
        assert schedule.alpha_bar(CLEAN) == 1


@pytest.mark.parametrize(
    "config",
    [
        {"_class_name": "DDIMScheduler"},
        {"_class_name": None},
        {"invert_sigmas": True},
        {"shift": 0},
        {"shift": math.nan},
        {"shift": "much"},
        {"shift": None},
        {"num_train_timesteps": 0},
        {"num_train_timesteps": 10**12},
        {"use_dynamic_shifting": True, "base_image_seq_len": 4096},
        {"use_dynamic_shifting": True, "max_shift": 1e9},
    ],
)
def test_scheduler_that_describes_no_flow_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(IncompatibleError):
        schedule_of(**config)
