"""Semantic guidance, SEGA (Brack et al., arXiv 2301.12247)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from attrbank_guidance.along import AlongPairs, Pairs, as_noise, difference, plus, times

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Guide, GuideInputs, Prediction


class Parameters(BaseModel):
    """What may be set; as published for 50 steps, but for the scale.

    Attributes:
        scale: of the difference at strength 1, in units of the run's guidance scale; published is two thirds, 5 of 7.5.
        quantile: of the numbers of a channel, those below this one in size are dropped.
        warm_up: nothing is added before this share of the time has passed, though the momentum gathers.
        momentum: how much of it is added.
        decay: of the momentum, what stays of it at every step.
    """

    scale: float = Field(1.0, gt=0, le=20)
    quantile: float = Field(0.9, ge=0, lt=1)
    warm_up: float = Field(0.2, ge=0, lt=1)
    momentum: float = Field(0.1, ge=0, le=1)
    decay: float = Field(0.4, ge=0, lt=1)


class Sega(AlongPairs[Parameters]):
    """The largest numbers of the difference, channel by channel, and what they were at the steps before."""

    name = "sega"
    begins = 1.0

    def guide(self, pairs: Pairs, strength: float) -> Guide:
        """With a momentum of its own."""
        return _Guide(self.parameters, pairs, strength)


class _Guide:
    """Adds γ = g + momentum · ν, where g is what is kept of the difference, and ν ← decay · ν + (1 − decay) · γ."""

    def __init__(self, parameters: Parameters, pairs: Pairs, strength: float) -> None:
        self._parameters, self._pairs, self._strength = parameters, pairs, strength
        self._gathered: Tensor | None = None

    def __call__(self, prediction: Prediction, inputs: GuideInputs) -> Prediction:
        own, change = self._parameters, difference(inputs, self._pairs)
        kept = times(change, self._strength * own.scale * inputs.guidance_scale * largest(change.eps, own.quantile))
        if self._gathered is not None:
            kept = plus(kept, as_noise(own.momentum * self._gathered, inputs.alpha_bar))
        before = 0.0 if self._gathered is None else own.decay * self._gathered
        self._gathered = before + (1 - own.decay) * kept.eps
        return prediction if inputs.time > 1 - own.warm_up else plus(prediction, kept)


def largest(values: Tensor, quantile: float) -> Tensor:
    """Ones where numbers are at least as large as that quantile of their channel's sizes, (B, C, H, W)."""
    sizes = values.abs()
    least = sizes.flatten(2).quantile(quantile, dim=2)
    return (sizes >= least[:, :, None, None]).to(values.dtype)
