"""The latents of a model in ComfyUI, and what they are in attrbank.

In a sampler of ComfyUI a latent is x/√ᾱ, told by σ = √((1−ᾱ)/ᾱ); on a wire between nodes it is that, divided by what
the codec's latents are multiplied with. attrbank's are variance-preserving.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from attrbank.plugin import IncompatibleError, Schedule

NEAR = 1e-4
"""A relative difference of σ that rounding makes, and no scheduler."""


class Space:
    """How one model's latents are scaled.

    Args:
        model: a ``ModelPatcher`` of ComfyUI.

    Attributes:
        prediction_type: "epsilon" or "v_prediction".
        schedule: ᾱ at every timestep of training.

    Raises:
        IncompatibleError: the model has another kind of latents, such as a flow's.
    """

    def __init__(self, model: Any) -> None:
        sampling = model.get_model_object("model_sampling")
        self._format = model.get_model_object("latent_format")
        self.prediction_type = _prediction_type(sampling)
        self.schedule = Schedule(tuple(alpha_bar_of(float(sigma)) for sigma in sampling.sigmas))

    def inside(self, samples: Tensor) -> Tensor:
        """What a sampler makes of latents on a wire."""
        latents: Tensor = self._format.process_in(samples)
        return latents

    def outside(self, latents: Tensor) -> Tensor:
        """What a sampler puts on a wire."""
        samples: Tensor = self._format.process_out(latents)
        return samples


def alpha_bar_of(sigma: float) -> float:
    """ᾱ of a latent at σ, in (0, 1]."""
    return 1 / (1 + sigma**2)


def scale_of(sigma: float) -> float:
    """What makes a sampler's latent at σ variance-preserving: √ᾱ."""
    return math.sqrt(alpha_bar_of(sigma))


def sigma_of(alpha_bar: float) -> float:
    """The other way round."""
    return math.sqrt(1 / alpha_bar - 1)


def nearest(sigmas: Sequence[float], alpha_bar: float) -> int:
    """The step that an attribute's time means: nearest in ᾱ, ties to the noisier; never the clean end."""
    steps = [index for index, sigma in enumerate(sigmas) if sigma > 0]
    return min(steps, key=lambda index: abs(alpha_bar_of(sigmas[index]) - alpha_bar))


def refuse_other_shapes(samples: Tensor) -> None:
    """Do nothing if latents are those of pictures, (B, C, H, W).

    Raises:
        IncompatibleError: they are not, as those of videos are not.
    """
    if samples.dim() != 4:
        raise IncompatibleError(
            f"These latents have the shape {tuple(samples.shape)}; attributes need (batch, channels, height, width).",
            hint="Use them with Stable Diffusion 1.x, 2.x or XL.",
        )


def _prediction_type(sampling: Any) -> str:
    """By what the model's own functions make of simple numbers: classes are named anew in every version."""
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    sigma, half = torch.ones(1), 1 / math.sqrt(2)
    scaled = float(sampling.calculate_input(sigma, one))
    predicted = float(sampling.calculate_denoised(sigma, one, zero))
    for name, expected in (("epsilon", -1.0), ("v_prediction", -half)):
        if math.isclose(scaled, half, rel_tol=1e-3) and math.isclose(predicted, expected, rel_tol=1e-3):
            return name
    raise IncompatibleError(
        "This model predicts neither ε nor v on a schedule of noise, as flows (SD3, Flux) and distilled ones do not.",
        hint="Use attributes with Stable Diffusion 1.x, 2.x or XL.",
    )
