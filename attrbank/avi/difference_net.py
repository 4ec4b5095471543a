"""Φ as a convolutional network: it moves the mean difference to where this picture needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from attrbank.avi.factors import nonzero
from attrbank.avi.network import StoredNetwork

GRID = 32
"""Larger latents are seen, and answered, at this size: dilations then span as much of a picture whatever its size."""
FEATURES = 20
DILATIONS = (1, 2, 4, 8)


class DifferenceNet(StoredNetwork):
    """What an image's difference has beyond the mean one, from its predicted clean latent.

    The mean of many differences is a blur where an attribute sits elsewhere in every picture. This network sees the
    picture, and its own coordinates. Untrained it answers zero.

    Shapes:
        channel_mean, channel_spread: (C, 1, 1), of the clean latents; difference_spread: ().
    """

    channel_mean: Tensor
    channel_spread: Tensor
    difference_spread: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels + 2, FEATURES, DILATIONS[0])
        self.middle = nn.ModuleList(_convolution(FEATURES, FEATURES, dilation) for dilation in DILATIONS[1:])
        self.last = _convolution(FEATURES, channels, 1)
        self.register_buffer("channel_mean", torch.zeros(channels, 1, 1))
        self.register_buffer("channel_spread", torch.ones(channels, 1, 1))
        self.register_buffer("difference_spread", torch.ones(()))

    @classmethod
    def untrained(cls, channels: int, generator: torch.Generator) -> Self:
        """A network for latents of so many channels."""
        net = cls(channels)
        for layer in (net.first, *net.middle):
            _initialise(layer, generator)
        for parameter in net.last.parameters():
            nn.init.zeros_(parameter)
        return net

    @classmethod
    def _sized_for(cls, tensors: Mapping[str, Tensor]) -> Self:
        return cls(len(tensors["channel_mean"]))

    @torch.no_grad()
    def standardise(self, x0: Tensor, residuals: Tensor) -> None:
        """Learn the scales of what is to be seen and answered; (N, C, h, w) each."""
        self.channel_mean.copy_(x0.mean((0, 2, 3)).view(-1, 1, 1))
        self.channel_spread.copy_(nonzero(x0.std((0, 2, 3), correction=0)).view(-1, 1, 1))
        self.difference_spread.copy_(nonzero(residuals.square().mean().sqrt()))

    def forward(self, x0: Tensor) -> Tensor:
        """The difference beyond the mean, at the size of the latent.

        Shapes:
            x0: (B, C, H, W).
            returns: (B, C, H, W) in float32.
        """
        return functional.interpolate(self.answers(coarse(x0)), size=x0.shape[-2:], mode="bilinear")

    def answers(self, x0: Tensor) -> Tensor:
        """``forward`` between latents that are ``coarse`` already, (B, C, h, w)."""
        normalised = (x0 - self.channel_mean) / self.channel_spread
        hidden = functional.silu(self.first(torch.cat([normalised, _coordinates(x0)], dim=1)))
        for layer in self.middle:
            hidden = hidden + functional.silu(layer(hidden))
        answers: Tensor = self.difference_spread * self.last(hidden)
        return answers


def coarse(latents: Tensor) -> Tensor:
    """Latents (B, C, H, W) averaged to at most 32 × 32, in float32."""
    height, width = latents.shape[-2:]
    return functional.adaptive_avg_pool2d(latents.float(), (min(height, GRID), min(width, GRID)))


def _coordinates(x0: Tensor) -> Tensor:
    """Where every position lies, from −1 to 1 downwards and to the right, (B, 2, h, w)."""
    rows, columns = (torch.linspace(-1, 1, size, device=x0.device) for size in x0.shape[-2:])
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(len(x0), -1, -1, -1)


def _convolution(inputs: int, outputs: int, dilation: int) -> nn.Conv2d:
    layer: nn.Conv2d = skip_init(  # type: ignore[no-untyped-call]
        nn.Conv2d, inputs, outputs, 3, padding=dilation, dilation=dilation
    )
    return layer


@torch.no_grad()
def _initialise(layer: nn.Conv2d, generator: torch.Generator) -> None:
    bound = (9 * layer.in_channels) ** -0.5
    layer.weight.uniform_(-bound, bound, generator=generator)
    if layer.bias is not None:
        layer.bias.uniform_(-bound, bound, generator=generator)
