"""The latent of one prompt moved to that of another."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.plugin import EditInputs


@dataclass(frozen=True)
class Mixed:
    """(1−s)·x + s·z, with z the target prompt's latent at the same step, from the same noise.

    Attributes:
        target: the prompt.
    """

    target: str

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The mixture (B, C, H, W); the target's run is drawn if there is any of it."""
        return torch.lerp(x, inputs.latent(self.target, None), strength) if strength else x
