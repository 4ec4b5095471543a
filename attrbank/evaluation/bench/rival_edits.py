"""Edits that nobody would ship, to compare with: a blend, a placebo, and the paper's without its network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.avi.factors import factorise
from attrbank.avi.integrate import add_edit, apply_edit, blend_weights, integrate
from attrbank.methods.inputs import EditInputs
from attrbank.methods.protocol import Edit


@dataclass(frozen=True)
class BlendWithTarget:
    """(1−s)·x + s·z, with z the target prompt's latent at the same time, from the same noise."""

    target: str
    t_x: float

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The blend (B, C, H, W) with z under the target prompt, at ``t_x``."""
        return torch.lerp(x, inputs.latent(self.target, self.t_x), strength)


@dataclass(frozen=True, eq=False)
class RandomDirection:
    """Moves each latent as far as another edit would, along one and the same noise (C, H, W)."""

    edit: Edit
    noise: Tensor

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The latents (B, C, H, W), each moved by the length of the other edit's own change of it."""
        lengths = (self.edit(x, inputs, strength) - x).flatten(1).norm(dim=1)  # (B,)
        return add_edit(x, lengths[:, None, None, None] * self.noise / self.noise.norm())


@dataclass(frozen=True, eq=False)
class KnownChange:
    """Adds what is known beforehand, (B, C, H, W)."""

    change: Tensor

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """X + s · change; x must hold the very pictures of which the change is known."""
        return add_edit(x, strength * self.change)


@dataclass(frozen=True)
class SingularValuesOfTarget:
    """Algorithm 1 with S = S_z: z's tail, and z's own singular values blended in by ρ."""

    target: str
    t_z: float

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Graft with ρ = strength, in [0, 1]."""
        factors, z = factorise(x), factorise(inputs.latent(self.target, self.t_z))
        u_hat, vh_hat = integrate(factors, z, None, strength, "text")
        s = blend_weights("blend", factors.s, z.s, torch.zeros_like(z.s), strength)
        return apply_edit(x, factors, u_hat, s, vh_hat)
