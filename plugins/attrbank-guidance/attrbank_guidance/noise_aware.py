"""A classifier of noised latents, which knows how noisy they are: is it of the target prompts, or of the source's?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from attrbank.plugin import StoredNetwork

GRID = 32
"""Larger latents are seen at this size, so that it spans as much of a picture whatever its size."""
PLACES = 4
"""The last features keep this many rows and columns: what is a mouth depends on where it is."""
FEATURES = (16, 24, 24)
WAVES = 4


class NoiseAware(StoredNetwork):
    """The log-odds that a noised latent is of the target rather than of the source.

    Shapes:
        channel_mean, channel_spread: (C, 1, 1), of the clean latents.
    """

    channel_mean: Tensor
    channel_spread: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        sizes = (channels, *FEATURES)
        self.seeing = nn.ModuleList(_convolution(*pair) for pair in pairwise(sizes))
        self.knowing = nn.ModuleList(_linear(2 * WAVES, 2 * size) for size in FEATURES)
        self.saying = _linear(FEATURES[-1] * PLACES**2, 1)
        self.register_buffer("channel_mean", torch.zeros(channels, 1, 1))
        self.register_buffer("channel_spread", torch.ones(channels, 1, 1))

    @classmethod
    def untrained(cls, clean: Tensor, generator: torch.Generator) -> Self:
        """A network for latents such as these clean ones, (N, C, H, W); it does not know anything yet."""
        net = cls(clean.shape[1])
        for layer in (*net.seeing, net.saying):
            _initialise(layer, generator)
        for parameter in net.knowing.parameters():
            nn.init.zeros_(parameter)
        net.channel_mean.copy_(clean.mean((0, 2, 3)).view(-1, 1, 1))
        net.channel_spread.copy_(clean.std((0, 2, 3)).clamp(min=1e-6).view(-1, 1, 1))
        return net

    @classmethod
    def _sized_for(cls, tensors: Mapping[str, Tensor]) -> Self:
        return cls(len(tensors["channel_mean"]))

    def forward(self, x: Tensor, alpha_bar: Tensor) -> Tensor:
        """The log-odds (B,) of latents.

        Shapes:
            x: (B, C, H, W); alpha_bar: (B,).
        """
        told = _waves(alpha_bar)
        hidden = _coarse(self._standardised(x, alpha_bar[:, None, None, None]))
        for place, (layer, knowing) in enumerate(zip(self.seeing, self.knowing, strict=True)):
            scale, shift = knowing(told)[:, :, None, None].chunk(2, dim=1)
            hidden = functional.silu((1 + scale) * layer(hidden) + shift)
            if place < len(FEATURES) - 1:
                hidden = functional.avg_pool2d(hidden, 2, ceil_mode=True)
        answers: Tensor = self.saying(functional.adaptive_avg_pool2d(hidden, PLACES).flatten(1))[:, 0]
        return answers

    def _standardised(self, x: Tensor, alpha_bar: Tensor) -> Tensor:
        """Of mean 0 and variance 1 in every channel, whatever the noise."""
        variance = alpha_bar * self.channel_spread.square() + 1 - alpha_bar
        return (x - alpha_bar.sqrt() * self.channel_mean) / variance.sqrt()


def _coarse(latents: Tensor) -> Tensor:
    height, width = latents.shape[-2:]
    return functional.adaptive_avg_pool2d(latents, (min(height, GRID), min(width, GRID)))


def _waves(alpha_bar: Tensor) -> Tensor:
    """What is told of the noise (B,): cosines and sines of multiples of the angle between signal and noise, (B, 8)."""
    angles = 2 * torch.atan2((1 - alpha_bar).sqrt(), alpha_bar.sqrt())[:, None] * torch.arange(1, WAVES + 1)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    layer: nn.Conv2d = skip_init(nn.Conv2d, inputs, outputs, 3, padding=1)  # type: ignore[no-untyped-call]
    return layer


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer: nn.Linear = skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
    return layer


def _initialise(layer: nn.Module, generator: torch.Generator) -> None:
    """As torch would, but from a generator of ours."""
    weight, bias = layer.parameters()
    bound = 1 / math.sqrt(weight[0].numel())
    for parameter in (weight, bias):
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
