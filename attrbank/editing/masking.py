"""An edit of the latent that acts in a region alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.methods.inputs import EditInputs
from attrbank.methods.protocol import Edit


@dataclass(frozen=True, eq=False)
class MaskedEdit:
    """An edit that acts as far as a mask lets it.

    Attributes:
        edit: what acts.
        weight: (1, 1, H, W) in [0, 1].
    """

    edit: Edit
    weight: Tensor

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The edited latent where the weight is 1, x where it is 0."""
        edited = self.edit(x, inputs, strength)
        return torch.lerp(x, edited, self.weight.to(x).expand_as(x))
