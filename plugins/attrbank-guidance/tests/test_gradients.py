"""Classifier guidance where the right answer is known: Gaussian data, and a classifier that knows all about them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from attrbank_guidance.gradients import along_gradient
from gaussian_model import (
    POSTERIOR_MEAN,
    POSTERIOR_VARIANCE,
    Gaussian,
    intercept_and_slope,
    log_probability,
    posterior_mean,
    said,
)
from torch import Tensor

from attrbank.plugin import DDIM, DDPM, Act, Guide, GuideInputs, Prediction, Trajectory, run_edits

MODEL = Gaussian()


@dataclass
class Knowing:
    """The exact classifier, as an attribute ready to act."""

    until: float = 0.0

    def guide(self, strength: float) -> Guide:
        return along_gradient(log_probability, strength)


def trajectory(steps: int) -> Trajectory:
    return Trajectory(MODEL, DDIM(), grid=DDIM().grid(steps, MODEL.schedule), guidance_scale=1.0)


def steered(latent: Tensor, t: int, size: float = 1.0) -> Prediction:
    alpha_bar = MODEL.schedule.alpha_bar(t)
    inputs = GuideInputs(t / 1000, alpha_bar, latent, 1.0, lambda prompts: said(latent, alpha_bar))
    return along_gradient(log_probability, size)(said(latent, alpha_bar), inputs)


@pytest.mark.parametrize("t", [20, 300, 700, 999])
def test_at_every_noise_the_clean_latent_is_the_posteriors_mean(t: int) -> None:
    alpha_bar, latent = MODEL.schedule.alpha_bar(t), torch.randn(3, 2, 8, 8)
    found = steered(latent, t)
    torch.testing.assert_close(found.x0, posterior_mean(latent, alpha_bar), atol=1e-4, rtol=1e-4)
    again = alpha_bar**0.5 * found.x0 + (1 - alpha_bar) ** 0.5 * found.eps
    torch.testing.assert_close(again, latent, atol=1e-4, rtol=1e-4)


def test_a_guided_run_ends_in_the_posterior() -> None:
    """Every number becomes mean + deviation × its noise, which begins about √ᾱ mean where some signal is left."""
    plan = trajectory(100)
    noise = plan.start([3]).latent - plan.alpha_bar(0) ** 0.5 * POSTERIOR_MEAN
    before, after = run_edits(plan, "", [3], [Act(0, Knowing(), 1.0)])
    mean, deviation = intercept_and_slope(after.flatten(), noise.flatten())
    assert mean == pytest.approx(POSTERIOR_MEAN, abs=0.005)
    assert deviation == pytest.approx(POSTERIOR_VARIANCE**0.5, rel=0.05)  # of steps of a finite length
    assert before is not None
    assert float(before.mean()) == pytest.approx(0, abs=0.2)


def test_an_ancestral_steps_mean_is_moved_by_its_variance_times_the_gradient() -> None:
    """By Σ ∇ log p with Σ = β / √α, which is β but for what is small in β."""
    latent, (t, t_prev) = torch.randn(2, 2, 8, 8), (500, 499)
    latent.requires_grad_()
    alpha_bar, before = MODEL.schedule.alpha_bar(t), MODEL.schedule.alpha_bar(t_prev)
    (gradient,) = torch.autograd.grad(log_probability(latent, alpha_bar).sum(), latent)
    still = torch.zeros(2, 2, 8, 8)
    latent = latent.detach()
    stepped = [
        DDPM().step(latent, said, t, t_prev, MODEL.schedule, still, None)[0]
        for said in (steered(latent, t, 2.0), steered(latent, t, 0.0))
    ]
    alpha = alpha_bar / before
    torch.testing.assert_close(stepped[0] - stepped[1], 2 * (1 - alpha) / alpha**0.5 * gradient, atol=1e-5, rtol=1e-3)


def test_the_strength_multiplies_the_gradient() -> None:
    latent = torch.randn(2, 2, 8, 8)
    plain, once, thrice = (steered(latent, 500, size).eps for size in (0.0, 1.0, -3.0))
    torch.testing.assert_close(thrice - plain, -3 * (once - plain), atol=1e-5, rtol=1e-4)


def test_who_differentiates_the_run_sees_what_guidance_does() -> None:
    """Backwards and forwards: x̂0 is the posterior's mean, whose derivative is a number."""
    plan, alpha_bar = trajectory(8).steered([along_gradient(log_probability, 1.0)]), 0.0
    position, conditioning = plan.start([3]), plan.conditioning("")
    alpha_bar = plan.alpha_bar(0)
    ones = torch.ones_like(position.latent)
    expected = posterior_mean(ones, alpha_bar) - posterior_mean(0 * ones, alpha_bar)
    torch.testing.assert_close(plan.push_forward(position, conditioning, ones), expected, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(plan.pull_back(position, conditioning, ones), expected, atol=1e-4, rtol=1e-3)
