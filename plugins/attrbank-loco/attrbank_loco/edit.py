"""How a direction acts: one step along it, at T_x."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from attrbank.plugin import EditInputs


@dataclass(frozen=True, eq=False)
class Along:
    """Adds a multiple of a stored direction; the network is not asked.

    Attributes:
        step: what strength 1 adds, (C, H, W).
    """

    step: Tensor

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · step."""
        return x + strength * self.step if strength else x


@dataclass(frozen=True, eq=False)
class Pulled:
    """Adds what makes most of a stored change of x̂0 in this picture, which its own Jacobian tells.

    Attributes:
        difference: the change, (C, H, W), zero outside the region.
        length: of what strength 1 adds.
    """

    difference: Tensor
    length: float

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · length · Jᵀd / ‖Jᵀd‖, of each picture's own J."""
        if not strength:
            return x
        pulled = inputs.pull_back(x, self.difference.expand_as(x))
        sizes = pulled.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None, None]
        edited: Tensor = x + strength * self.length * pulled / sizes
        return edited
