"""A model whose x̂0 and whose bottleneck are linear in the latent: both Jacobians are matrices of our choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from attrbank.plugin import Defaults, Prediction, Schedule

SHAPE, FEATURES = (2, 4, 4), (5, 2, 2)
N, D = 32, 20


def orthonormal(rows: int, count: int, seed: int) -> Tensor:
    """Columns (rows, count) with nothing in common but their seed."""
    given = torch.randn(rows, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(given)[0].float()


INPUTS, OUTPUTS = orthonormal(N, 10, seed=1), orthonormal(D, 10, seed=2)
VALUES = torch.tensor([9.0, 7.0, 5.0, 3.0, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
CLEAN = 0.3 * torch.randn(N, N, generator=torch.Generator().manual_seed(3)) / N**0.5
"""The Jacobian of x̂0."""


class Linear:
    """x̂0 = J x + b and h = A x + b', with b and b' for each prompt.

    Attributes:
        matrix: A, (D, N).
    """

    name, fingerprint, latent_shape, prediction_type = "linear", "0123456789abcdef", SHAPE, "epsilon"
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
    defaults, words, picture_size = Defaults(steps=8, guidance_scale=1.0, prompt="a person"), None, (4, 4)

    def __init__(self) -> None:
        self.matrix = OUTPUTS @ torch.diag(VALUES) @ INPUTS.T

    def said(self, prompt: str) -> Tensor:
        """b, (N,)."""
        return 0.02 * torch.randn(N, generator=torch.Generator().manual_seed(sum(prompt.encode())))

    def unknown_words(self, prompt: str) -> list[str]:
        return []

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        return {"b": torch.stack([self.said(prompt) for prompt in prompts])}

    def predict(self, latent: Tensor, timestep: int, conditioning: dict[str, Tensor]) -> Prediction:
        x0 = (latent.flatten(1) @ CLEAN.T + conditioning["b"]).reshape(latent.shape)
        alpha_bar = self.schedule.alpha_bar(timestep)
        return Prediction((latent - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5, x0)

    def features(self, latent: Tensor, timestep: int, conditioning: dict[str, Tensor]) -> Tensor:
        return (latent.flatten(1) @ self.matrix.T + conditioning["b"][:, :D]).reshape(-1, *FEATURES)

    def injecting(self, change: Callable[[Tensor, int], Tensor]) -> Linear:
        raise NotImplementedError

    def encode(self, images: Tensor) -> Tensor:
        return images[:, :2]

    def decode(self, latent: Tensor) -> Tensor:
        return latent[:, [0, 1, 0]].clamp(0, 1)


class Turning(Linear):
    """Its bottleneck is turned by another angle in every picture, so that pictures have bases of their own."""

    def features(self, latent: Tensor, timestep: int, conditioning: dict[str, Tensor]) -> Tensor:
        return torch.tanh(super().features(latent, timestep, conditioning) / 4)
