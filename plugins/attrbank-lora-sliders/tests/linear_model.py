"""A denoiser that is one layer, of which the answer is known: ε(x, c) = A x + c B x, where c is 1 under the target."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from attrbank.plugin import Conditioning, Defaults, Prediction, Schedule, from_epsilon

SOURCE, TARGET = "a photo of a person", "a photo of a person, smiling"
SHAPE = (2, 2, 2)


class Layers(nn.Module):
    """The layer that a slider may change, and what the target prompt adds."""

    def __init__(self, difference: Tensor) -> None:
        super().__init__()
        self.to_q = nn.Linear(8, 8, bias=False)
        self.difference = nn.Parameter(difference, requires_grad=False)
        with torch.no_grad():
            self.to_q.weight.copy_(0.9 * torch.eye(8))
        self.requires_grad_(False)

    def forward(self, x: Tensor, said: Tensor) -> Tensor:
        return self.to_q(x) + said * x @ self.difference.T


class Linear:
    """A backbone of that network."""

    name, fingerprint, latent_shape, prediction_type = "linear", "0123456789abcdef", SHAPE, "epsilon"
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
    defaults, words, guidance = Defaults(), None, "classifier-free"

    def __init__(self, difference: Tensor) -> None:
        self.network = Layers(difference)

    def unknown_words(self, prompt: str) -> list[str]:
        return []

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        return {"said": torch.tensor([[float(prompt == TARGET)] for prompt in prompts])}

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        eps = self.network(latent.flatten(1), conditioning["said"]).reshape(latent.shape)
        return from_epsilon(latent, eps, self.schedule.alpha_bar(timestep))

    def adapting(self, change: Callable[[nn.Module], nn.Module]) -> Self:
        other = copy.copy(self)
        other.network = change(copy.deepcopy(self.network))
        return other
