"""How a direction of the bottleneck acts: many small steps at one time, along what it changes in ε."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.plugin import EditInputs, strongest
from attrbank_pullback.basis import Map, products
from attrbank_pullback.parameters import ITERATIONS
from attrbank_pullback.sphere import unit

STEP = 1 / 128
"""The length of a look along the direction, as a share of the noise's own, √(CHW): 1 on latents of Stable Diffusion."""


@dataclass(frozen=True, eq=False)
class Steps:
    """x ← x + s γ (ε(x + v) − ε(x)), again and again. The latent x + v itself is thrown away.

    Attributes:
        feature: the direction of the bottleneck, (C', H', W').
        prompt: under which the network is asked.
        repeats: how often.
        guidance: γ.
        transport: how many of the picture's own directions it is written in; 0 pulls it back as it is.
    """

    feature: Tensor
    prompt: str
    repeats: int
    guidance: float
    transport: int = 0

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The edited latents, (B, C, H, W); at a negative strength the way goes along −v."""
        if not strength:
            return x
        towards = self.direction(x, inputs) * (STEP * x[0].numel() ** 0.5) * (1 if strength > 0 else -1)
        for _ in range(self.repeats):
            change = self.eps(x + towards, inputs) - self.eps(x, inputs)
            x = x + abs(strength) * self.guidance * change
        return x

    def direction(self, x: Tensor, inputs: EditInputs) -> Tensor:
        """V of each picture, (B, C, H, W), of length 1."""
        shown = inputs.features(self.prompt)
        pulled = shown.pull_back(x, self.feature.expand(len(x), *self.feature.shape))
        if self.transport:
            pulled = torch.cat([self.transported(shown, x[i : i + 1], pulled[i]) for i in range(len(x))])
        return unit(pulled.flatten(1)).reshape(x.shape)

    def transported(self, shown: Map, x: Tensor, pulled: Tensor) -> Tensor:
        """V Uᵀu of the picture's own basis at x (1, C, H, W), as V Σ⁻¹ Vᵀ of Jᵀu (C, H, W): U need not be known."""
        generator = torch.Generator().manual_seed(0)
        start = torch.randn((self.transport, *x.shape[1:]), generator=generator)
        own = strongest(*products(shown, x), start, most=ITERATIONS, tolerance=0.0)
        rows = own.vectors.flatten(1)
        return ((rows @ pulled.flatten()) / own.values @ rows).reshape(x.shape)

    def eps(self, x: Tensor, inputs: EditInputs) -> Tensor:
        """ε (B, C, H, W) under the prompt, without guidance."""
        (clean,) = inputs.clean_under(x, [self.prompt])
        noise: Tensor = (x - inputs.alpha_bar**0.5 * clean) / (1 - inputs.alpha_bar) ** 0.5
        return noise
