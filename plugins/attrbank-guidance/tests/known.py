"""A step whose answers are known: what every prompt says is a tensor of our choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from attrbank.plugin import GuideInputs, Prediction, PromptPair, from_epsilon

PAIR = PromptPair(source="a person", target="an old person")
ALPHA_BAR = 0.36
SHAPE = (2, 3, 4, 5)


def drawn(seed: int, shape: Sequence[int] = SHAPE) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


LATENT, PLAIN = drawn(0), drawn(1)
"""The latents, and the ε that the run would make its step with."""


def said(eps: Tensor) -> Prediction:
    """The prediction with an ε, whose x̂0 belongs to it."""
    return from_epsilon(LATENT, eps, ALPHA_BAR)


def step(eps: Mapping[str, Tensor], *, time: float = 0.5, scale: float = 3.0) -> GuideInputs:
    """What a guide may ask for where prompts say these ε."""

    def under(prompts: Sequence[str]) -> Prediction:
        return Prediction(*(torch.stack(sides) for sides in zip(*(said(eps[p]) for p in prompts), strict=True)))

    return GuideInputs(time, ALPHA_BAR, LATENT, scale, under)


def leading(change: Tensor, **settings: float) -> GuideInputs:
    """Where the target changes this of ε."""
    source = drawn(2)
    return step({PAIR.source: source, PAIR.target: source + change}, **settings)


def belongs_together(prediction: Prediction) -> bool:
    """Whether ε and x̂0 make up the latent."""
    again = ALPHA_BAR**0.5 * prediction.x0 + (1 - ALPHA_BAR) ** 0.5 * prediction.eps
    return torch.allclose(again, LATENT, atol=1e-5)
