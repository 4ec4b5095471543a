"""Classifier guidance (Dhariwal and Nichol, arXiv 2105.05233, algorithms 1 and 2): along the gradient of a log p."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from attrbank.plugin import Guide, GuideInputs, Prediction
from attrbank_guidance.along import as_noise, plus

LogProbability: TypeAlias = Callable[[Tensor, float], Tensor]
"""log p (B,) of what is wanted, given noised latents (B, C, H, W) and their ᾱ."""


def along_gradient(log_probability: LogProbability, size: float) -> Guide:
    """Adds −size √(1−ᾱ) ∇ log p to ε: the score moves by size ∇ log p, whoever makes the step.

    Of an ancestral step that is the mean moved by size Σ ∇ log p, and of DDIM what is published for it. x̂0 follows.
    """

    def guide(prediction: Prediction, inputs: GuideInputs) -> Prediction:
        # A transform of a function, because the run differentiates nothing, and who differentiates the run may.
        gradient = torch.func.grad(lambda x: log_probability(x, inputs.alpha_bar).sum())(inputs.latent)
        return plus(prediction, as_noise(-size * (1 - inputs.alpha_bar) ** 0.5 * gradient, inputs.alpha_bar))

    return guide
