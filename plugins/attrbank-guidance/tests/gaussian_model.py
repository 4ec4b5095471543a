"""A model of Gaussian data, N(0, s²) in every number, for which the best prediction is linear; and what was seen of it.

What is seen of a number x0 is y, N(x0, r²). So p(y | x_t) is a Gaussian, and all its posteriors are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attrbank.plugin import Defaults, Prediction, Schedule, from_epsilon

VARIANCE, SEEN, ERROR = 0.8, 1.5, 0.3
"""s², y and r²."""
POSTERIOR_MEAN = VARIANCE / (VARIANCE + ERROR) * SEEN
POSTERIOR_VARIANCE = VARIANCE * ERROR / (VARIANCE + ERROR)


class Gaussian:
    """What a perfect network says of it: E[x0 | x] = √ᾱ s² x / Var x."""

    name, fingerprint, latent_shape, prediction_type = "gaussian", "0123456789abcdef", (2, 8, 8), "epsilon"
    schedule = Schedule.from_config(
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "timestep_spacing": "trailing"}
    )
    defaults, words, guidance = Defaults(steps=8, guidance_scale=1.0), None, "none"

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        return {"nothing": torch.zeros(len(prompts), 1)}

    def predict(self, latent: Tensor, timestep: int, conditioning: dict[str, Tensor]) -> Prediction:
        return said(latent, self.schedule.alpha_bar(timestep))


def said(latent: Tensor, alpha_bar: float) -> Prediction:
    return from_epsilon(latent, (1 - alpha_bar) ** 0.5 * latent / _marginal(alpha_bar), alpha_bar)


def log_probability(latent: Tensor, alpha_bar: float) -> Tensor:
    """log p(y | x_t) of all numbers together, but for what does not depend on them, (B,)."""
    expected, variance = said(latent, alpha_bar).x0, VARIANCE * (1 - alpha_bar) / _marginal(alpha_bar)
    return -(SEEN - expected).square().flatten(1).sum(1) / (2 * (variance + ERROR))


def posterior_mean(latent: Tensor, alpha_bar: float) -> Tensor:
    """E[x0 | x_t, y], as two measurements of one number are weighed."""
    precision = 1 / VARIANCE + alpha_bar / (1 - alpha_bar) + 1 / ERROR
    return (alpha_bar**0.5 * latent / (1 - alpha_bar) + SEEN / ERROR) / precision


def intercept_and_slope(values: Tensor, of: Tensor) -> tuple[float, float]:
    """Of the line on which all pairs of numbers are."""
    slope = ((values[0] - values[1]) / (of[0] - of[1])).median()
    return float((values - slope * of).mean()), float(slope)


def _marginal(alpha_bar: float) -> float:
    return alpha_bar * VARIANCE + 1 - alpha_bar
