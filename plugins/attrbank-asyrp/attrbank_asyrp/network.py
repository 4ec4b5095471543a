"""The paper's small network, f(h, t): what is to be added at the bottleneck of this picture at this time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from attrbank.plugin import StoredNetwork, rows_without_prompt
from attrbank_asyrp.bottleneck import AsymmetricEdit

WAVES = 8


class ChangeNet(StoredNetwork):
    """Two convolutions of 1×1, between which it is told the time. Untrained it answers zero.

    Shapes:
        mean, spread: (C', 1, 1), of the features.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.last = _convolution(channels), _convolution(channels)
        self.told: nn.Linear = skip_init(nn.Linear, 2 * WAVES, channels)  # type: ignore[no-untyped-call]
        self.norm = nn.GroupNorm(_groups(channels), channels)
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("spread", torch.ones(channels, 1, 1))

    @classmethod
    def untrained(cls, features: Tensor, generator: torch.Generator) -> Self:
        """A network for features such as these, (N, C', H', W')."""
        net = cls(features.shape[1])
        for layer in (net.first, net.told):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
        for parameter in net.last.parameters():
            nn.init.zeros_(parameter)
        net.mean.copy_(features.mean((0, 2, 3)).view(-1, 1, 1))
        net.spread.copy_(features.std((0, 2, 3), correction=0).clamp(min=1e-6).view(-1, 1, 1))
        return net

    @classmethod
    def _sized_for(cls, tensors: Mapping[str, Tensor]) -> Self:
        return cls(len(tensors["mean"]))

    def forward(self, h: Tensor, timestep: int) -> Tensor:
        """Δh (B, C', H', W') for features of that shape."""
        hidden = self.first((h - self.mean) / self.spread) + self.told(_waves(timestep))[:, None, None]
        answers: Tensor = self.spread * self.last(functional.silu(self.norm(hidden)))
        return answers


@dataclass(eq=False)
class OwnSteps(AsymmetricEdit):
    """With Δh of the picture's own, where the picture's prompt is heard; what guidance compares with stays.

    Attributes:
        net: f.
        until: the time fraction at which it stops to act.
    """

    net: ChangeNet
    until: float

    def changed(self, h: Tensor, timestep: int, strength: float) -> Tensor:
        """The features with s f(h, t), where the prompt is heard."""
        first = rows_without_prompt()
        moved = h[first:] + strength * self.net(h[first:], timestep)
        return torch.cat([h[:first], moved])


def _waves(timestep: int) -> Tensor:
    """Cosines and sines of multiples of half a turn in a thousand timesteps, (16,)."""
    angles = timestep / 1000 * math.pi * torch.arange(1, WAVES + 1)
    return torch.cat([angles.cos(), angles.sin()])


def _convolution(channels: int) -> nn.Conv2d:
    layer: nn.Conv2d = skip_init(nn.Conv2d, channels, channels, 1)  # type: ignore[no-untyped-call]
    return layer


def _groups(channels: int) -> int:
    """As many as divide the channels, up to the usual 32."""
    return math.gcd(channels, 32)
