"""A model whose x̂0 is linear in the latent, so that its Jacobian is a matrix of our choice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attrbank.plugin import Defaults, Prediction, Schedule

SHAPE = (2, 4, 4)
N = 32
TOP = torch.arange(N).reshape(SHAPE)[:, :2].flatten()
"""The outputs in the upper half, which is the region of the tests."""
BOTTOM = torch.arange(N).reshape(SHAPE)[:, 2:].flatten()


def orthonormal(count: int, seed: int) -> Tensor:
    """Columns (N, count) with nothing in common but their seed."""
    given = torch.randn(N, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(given)[0]


INPUTS = orthonormal(8, seed=1)
"""Right singular vectors: 0–3 of the upper half; of the lower half 4–6 and, half each, 0 and 7."""
VALUES = torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)


def chosen() -> Tensor:
    """J: both halves of the outputs with singular vectors that we know, and one direction that moves both."""
    outputs = torch.linalg.qr(torch.randn(16, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64))[0]
    shared = (INPUTS[:, 0] + INPUTS[:, 7]) / 2**0.5
    jacobian = torch.zeros(N, N, dtype=torch.float64)
    jacobian[TOP] = outputs[:, :4] @ torch.diag(VALUES) @ INPUTS[:, :4].T
    lower = torch.cat([INPUTS[:, 4:7], shared[:, None]], dim=1)
    jacobian[BOTTOM] = outputs[:, 4:] @ torch.diag(3 * VALUES) @ lower.T
    return jacobian.float()


class Linear:
    """x̂0 = J x + b, with a b for each prompt."""

    name, fingerprint, latent_shape, prediction_type = "linear", "0123456789abcdef", SHAPE, "epsilon"
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
    defaults, words, picture_size = Defaults(steps=8, guidance_scale=1.0), None, (4, 4)

    def __init__(self) -> None:
        self.jacobian = chosen()

    def said(self, prompt: str) -> Tensor:
        """b, (N,)."""
        return 0.02 * torch.randn(N, generator=torch.Generator().manual_seed(sum(prompt.encode())))

    def unknown_words(self, prompt: str) -> list[str]:
        return []

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        return {"b": torch.stack([self.said(prompt) for prompt in prompts])}

    def predict(self, latent: Tensor, timestep: int, conditioning: dict[str, Tensor]) -> Prediction:
        x0 = (latent.flatten(1) @ self.jacobian.T + conditioning["b"]).reshape(latent.shape)
        alpha_bar = self.schedule.alpha_bar(timestep)
        return Prediction((latent - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5, x0)

    def encode(self, images: Tensor) -> Tensor:
        return images[:, :2]

    def decode(self, latent: Tensor) -> Tensor:
        return latent[:, [0, 1, 0]].clamp(0, 1)
