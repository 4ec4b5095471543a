"""On data whose score is known in closed form our samplers are right to rounding, beyond what the contract asks."""

from __future__ import annotations

import pytest
import torch

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.schedule import timestep_grid
from attrbank.plugin_kit.contracts import SamplerContract
from attrbank.plugin_kit.contracts.gaussian import SCHEDULE, expected_variances, variances
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM


class TestDDIM(SamplerContract):
    def make(self) -> DDIM:
        return DDIM()


class TestDDPM(SamplerContract):
    def make(self) -> DDPM:
        return DDPM()


@pytest.mark.parametrize("sampler", [DDIM(), DDPM()])
@pytest.mark.parametrize("steps", [7, 50])
def test_noise_around_a_single_point_has_the_right_variance_on_any_grid(sampler: DDIM | DDPM, steps: int) -> None:
    grid = timestep_grid(steps, SCHEDULE)
    assert variances(sampler, grid, 0.0) == pytest.approx(expected_variances(grid, 0.0), abs=1e-12)


def test_ddim_converges_with_order_one_and_no_faster() -> None:
    errors = [abs(variances(DDIM(), timestep_grid(steps, SCHEDULE), 4.0)[-1] ** 0.5 - 2.0) for steps in (50, 100, 200)]
    assert 1.7 < errors[0] / errors[1] < 2.3
    assert 1.7 < errors[1] / errors[2] < 2.3


@pytest.mark.parametrize("sampler", [DDIM(), DDPM()])
def test_last_step_lands_on_the_predicted_clean_latent(sampler: DDIM | DDPM) -> None:
    t, t_prev = timestep_grid(10, SCHEDULE)[-1]
    x, eps, noise = torch.randn(3, 2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    prediction = from_epsilon(x, eps, SCHEDULE.alpha_bar(t))
    clean, _ = sampler.step(x, prediction, t, t_prev, SCHEDULE, noise, None)
    torch.testing.assert_close(clean, prediction.x0)
