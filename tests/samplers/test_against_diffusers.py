"""Our samplers take the very steps that diffusers' schedulers take, for whatever a network may say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from attrbank.diffusion.prediction import from_epsilon, from_velocity
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import InvalidValueError
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM

SHAPE = (2, 4, 8, 8)
CONFIG = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}
PREDICTIONS = {"epsilon": from_epsilon, "v_prediction": from_velocity}

spacings = pytest.mark.parametrize(("spacing", "steps_offset"), [("leading", 0), ("leading", 1), ("trailing", 0)])
prediction_types = pytest.mark.parametrize("prediction_type", sorted(PREDICTIONS))


def differences(
    sampler: DDIM | DDPM,
    config: dict[str, Any],
    steps: int,
    their_step: Callable[[Tensor, int, Tensor, Tensor], Tensor],
) -> Iterator[float]:
    """Largest difference after each step, every step starting from the same latent of unit variance."""
    schedule = Schedule.from_config(config)
    generator = torch.Generator().manual_seed(0)
    for t, t_prev in sampler.grid(steps, schedule):
        x, output, noise = (torch.randn(SHAPE, generator=generator) for _ in range(3))
        prediction = PREDICTIONS[config["prediction_type"]](x, output, schedule.alpha_bar(t))
        ours, _ = sampler.step(x, prediction, t, t_prev, schedule, noise, None)
        yield float((ours - their_step(output, t, x, noise)).abs().max())


@spacings
@prediction_types
@pytest.mark.parametrize("set_alpha_to_one", [False, True])
def test_ddim_steps_as_diffusers_does(
    spacing: str, steps_offset: int, prediction_type: str, set_alpha_to_one: bool
) -> None:
    config = CONFIG | {
        "timestep_spacing": spacing,
        "steps_offset": steps_offset,
        "prediction_type": prediction_type,
        "set_alpha_to_one": set_alpha_to_one,
    }
    scheduler = DDIMScheduler(**config)
    scheduler.set_timesteps(20)

    def their_step(output: Tensor, t: int, x: Tensor, noise: Tensor) -> Tensor:
        return scheduler.step(output, t, x).prev_sample

    assert max(differences(DDIM(), config, 20, their_step)) < 1e-5


@spacings
@prediction_types
def test_ddpm_steps_as_diffusers_does(
    spacing: str, steps_offset: int, prediction_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG | {"timestep_spacing": spacing, "steps_offset": steps_offset, "prediction_type": prediction_type}
    scheduler = DDPMScheduler(**config)
    scheduler.set_timesteps(20)

    def their_step(output: Tensor, t: int, x: Tensor, noise: Tensor) -> Tensor:
        with monkeypatch.context() as patch:
            patch.setattr("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *_, **__: noise)
            return scheduler.step(output, t, x).prev_sample

    assert max(differences(DDPM(), config, 20, their_step)) < 1e-5


def test_ddpm_ends_at_the_predicted_clean_latent_whatever_the_schedule_says() -> None:
    """Stable Diffusion's schedule ends at ᾱ_0 < 1; diffusers' DDPMScheduler does not ask."""
    config = CONFIG | {"set_alpha_to_one": False, "prediction_type": "epsilon"}
    scheduler = DDPMScheduler(**CONFIG)
    scheduler.set_timesteps(20)
    x, eps, noise = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(0))
    schedule = Schedule.from_config(config)
    t, t_prev = DDPM().grid(20, schedule)[-1]
    prediction = from_epsilon(x, eps, schedule.alpha_bar(t))
    ours, _ = DDPM().step(x, prediction, t, t_prev, schedule, noise, None)
    torch.testing.assert_close(ours, scheduler.step(eps, t, x).prev_sample, atol=1e-5, rtol=0)


def test_ddpm_without_noise_is_refused() -> None:
    schedule = Schedule.from_config(CONFIG)
    x = torch.zeros(SHAPE)
    with pytest.raises(InvalidValueError, match="needs noise"):
        DDPM().step(x, from_epsilon(x, x, 0.5), 500, 400, schedule, None, None)
