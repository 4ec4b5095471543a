"""A model whose answers are chosen: what it would draw under each prompt, and how it takes what an edit has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Conditioning, Guidance, Prediction
from attrbank.plugin.contracts.method import tiny_backbone


class Answering:
    """x̂0 under a prompt is its level, and r times that by which the latent is not the unedited one, in clean terms.

    The unedited picture is that of the first prompt, which draws just its level from any noise.

    Args:
        levels: (C, H, W) of each prompt.
        responses: r of each prompt, 0 if it is not named.
        noise: (1, C, H, W) that the picture begins with.
        start: the timestep at which it does.
    """

    def __init__(
        self,
        levels: Mapping[str, Tensor],
        responses: Mapping[str, float],
        noise: Tensor,
        start: int,
        guidance: Guidance = "classifier-free",
    ) -> None:
        self._prompts, self._inner, self.guidance = tuple(levels), tiny_backbone(), guidance
        self._levels = torch.stack(list(levels.values()))
        self._responses = torch.tensor([responses.get(prompt, 0.0) for prompt in levels])
        signal, sigma = self._rates(start)
        self._eps = (noise - signal * self._levels[:1]) / sigma

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def _rates(self, timestep: int) -> tuple[float, float]:
        alpha_bar = self._inner.schedule.alpha_bar(timestep)
        return alpha_bar**0.5, (1 - alpha_bar) ** 0.5

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        return {"prompt": torch.tensor([[self._prompts.index(prompt)] for prompt in prompts])}

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        which, (signal, sigma) = conditioning["prompt"][:, 0], self._rates(timestep)
        unedited = signal * self._levels[:1] + sigma * self._eps
        response = self._responses[which].view(-1, 1, 1, 1)
        x0 = self._levels[which] + response * (latent - unedited) / signal
        return Prediction((latent - signal * x0) / sigma, x0)
