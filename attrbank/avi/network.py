"""Φ, the network that weighs singular vectors: the paper's, and the compact one for difference vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from attrbank.avi.factors import nonzero, require_finite
from attrbank.errors import CorruptArtifactError

COMPACT_WIDTH = 64
CORE_GRID = 8
CORE_HIDDEN = 32
GENTLENESS = 0.3
"""Slows the bend of tanh: from a few dozen seeds, a nearly linear network generalises best."""
CORE_BYTES = 20 * 1024
"""An artifact with both kinds of Φ stays below 64 KB."""


def paper_width(height: int, width: int) -> int:
    """The paper's hidden width, one unit per element of a channel: 4096 for 64 × 64."""
    return height * width


class StoredNetwork(nn.Module):
    """A network that is stored as a plain mapping of tensors: weights in half precision, statistics in float32."""

    def tensors(self) -> dict[str, Tensor]:
        """All that ``from_tensors`` needs, on the CPU, names as in ``state_dict``."""
        weights = {name: value.detach().half() for name, value in self.named_parameters()}
        return {name: value.cpu().contiguous() for name, value in {**weights, **dict(self.named_buffers())}.items()}

    @torch.no_grad()
    def freeze(self) -> None:
        """End training and round the weights to half precision, so that what is measured is what is stored.

        Raises:
            NumericError: a weight does not fit into half precision.
        """
        for value in self.parameters():
            value.copy_(require_finite(value.half(), "The network").float())
        self.eval().requires_grad_(False)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """The network that ``tensors`` describes.

        Raises:
            CorruptArtifactError: a tensor is missing, unknown or of the wrong shape.
            NumericError: a tensor is not finite.
        """
        try:
            return cls._sized_for(tensors)._read(tensors)
        except (KeyError, ValueError, IndexError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CorruptArtifactError(f"The network's tensors do not fit together: {reason}") from error

    @classmethod
    def _sized_for(cls, tensors: Mapping[str, Tensor]) -> Self:
        """A network of the size that the tensors' shapes tell; its numbers do not matter."""
        raise NotImplementedError

    def _read(self, tensors: Mapping[str, Tensor]) -> Self:
        for name, value in tensors.items():
            require_finite(value, f"The network's tensor {name!r}")
        self.load_state_dict({name: value.float() for name, value in tensors.items()})
        return self.eval().requires_grad_(False)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    # The usual constructor draws from the global generator; ours are drawn from the caller's, or read.
    layer: nn.Linear = skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
    return layer


@torch.no_grad()
def _initialise(layer: nn.Linear, generator: torch.Generator) -> None:
    bound = layer.in_features**-0.5
    layer.weight.uniform_(-bound, bound, generator=generator)
    layer.bias.uniform_(-bound, bound, generator=generator)


class SingularValueNet(StoredNetwork):
    """The paper's Φ: x → (S, Δs), three fully connected layers with ReLU and two linear heads, per channel.

    The minimiser of the objective grows with its latents, so the network sees x / rms(x) and its answer is multiplied
    by rms(x); the heads' answers are in units of ``spread`` around ``offset``.

    Shapes:
        offset, spread: (2, C, r), for S and Δs.
    """

    offset: Tensor
    spread: Tensor

    def __init__(self, channels: int, pixels: int, r: int, width: int = COMPACT_WIDTH) -> None:
        super().__init__()
        self.first, self.second, self.third = _linear(pixels, width), _linear(width, width), _linear(width, width)
        self.head_s, self.head_delta_s = _linear(width, r), _linear(width, r)
        self.register_buffer("offset", torch.zeros(2, channels, r))
        self.register_buffer("spread", torch.ones(2, channels, r))

    @classmethod
    def untrained(cls, shape: tuple[int, int, int], generator: torch.Generator, width: int = COMPACT_WIDTH) -> Self:
        """A network for latents of ``shape`` (C, H, W), whose heads answer ``offset`` until they are trained."""
        channels, height, latent_width = shape
        net = cls(channels, height * latent_width, min(height, latent_width), width)
        for layer in (net.first, net.second, net.third):
            _initialise(layer, generator)
        for head in (net.head_s, net.head_delta_s):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        return net

    @classmethod
    def _sized_for(cls, tensors: Mapping[str, Tensor]) -> Self:
        _, channels, r = tensors["offset"].shape
        width, pixels = tensors["first.weight"].shape
        return cls(channels, pixels, r, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """docs/method.md 3.2, Φ: S and Δs as Φ predicts them from x.

        Shapes:
            x: (B, C, H, W).
            returns: s and delta_s, (B, C, r) in float32.
        """
        size = channel_size(x)  # (B, C, 1)
        hidden = x.float().flatten(2) / nonzero(size)  # (B, C, H·W)
        for layer in (self.first, self.second, self.third):
            hidden = functional.relu(layer(hidden))  # (B, C, width)
        s = size * (self.offset[0] + self.spread[0] * self.head_s(hidden))  # (B, C, r)
        delta_s = size * (self.offset[1] + self.spread[1] * self.head_delta_s(hidden))  # (B, C, r)
        return s, delta_s


def channel_size(x: Tensor) -> Tensor:
    """The root mean square of every channel, by way of float64, where 1e30 can be squared.

    Shapes:
        x: (B, C, H, W).
        returns: (B, C, 1) in float32.
    """
    return x.double().flatten(2).square().mean(-1, keepdim=True).sqrt().float()


class CoreNet(StoredNetwork):
    """Φ for difference vectors: the core for an image, from its predicted clean latent.

    It sees the latent averaged to at most 8 × 8, and adds what it learned to the mean core, so that untrained it
    answers the mean.

    Shapes:
        feature_mean: (C, h, w) with h, w ≤ 8; feature_spread: (C, 1, 1).
        mean_core: (C, r, r); core_spread: ().
    """

    feature_mean: Tensor
    feature_spread: Tensor
    mean_core: Tensor
    core_spread: Tensor

    def __init__(self, grid: tuple[int, int, int], r: int, hidden: int) -> None:
        super().__init__()
        channels, height, width = grid
        self.hidden = _linear(channels * height * width, hidden)
        self.output = _linear(hidden, channels * r * r)
        self.register_buffer("feature_mean", torch.zeros(grid))
        self.register_buffer("feature_spread", torch.ones(channels, 1, 1))
        self.register_buffer("mean_core", torch.zeros(channels, r, r))
        self.register_buffer("core_spread", torch.ones(()))

    @classmethod
    def untrained(cls, shape: tuple[int, int, int], r: int, generator: torch.Generator) -> Self:
        """A network for latents of ``shape`` (C, H, W) and cores of rank r, as wide as its bytes allow."""
        channels, height, width = shape
        grid = (channels, min(height, CORE_GRID), min(width, CORE_GRID))
        net = cls(grid, r, core_hidden(channels * grid[1] * grid[2], channels * r * r))
        _initialise(net.hidden, generator)
        nn.init.zeros_(net.output.weight)
        nn.init.zeros_(net.output.bias)
        return net

    @classmethod
    def _sized_for(cls, tensors: Mapping[str, Tensor]) -> Self:
        channels, height, width = tensors["feature_mean"].shape
        r, hidden = tensors["mean_core"].shape[-1], tensors["hidden.bias"].shape[0]
        return cls((channels, height, width), r, hidden)

    def features(self, x0: Tensor) -> Tensor:
        """The clean latent averaged over a coarse grid, before normalisation.

        Shapes:
            x0: (B, C, H, W).
            returns: (B, C, h, w) in float32.
        """
        _, height, width = self.feature_mean.shape
        return functional.adaptive_avg_pool2d(x0.float(), (height, width))

    def forward(self, x0: Tensor) -> Tensor:
        """docs/method.md 5.3, ``mlp``: K = mean core + Φ(x̂0).

        Shapes:
            x0: (B, C, H, W).
            returns: (B, C, r, r) in float32.
        """
        return self.cores(self.features(x0))

    def cores(self, features: Tensor) -> Tensor:
        """``forward`` from ``features``, which training computes once.

        Shapes:
            features: (B, C, h, w).
            returns: (B, C, r, r).
        """
        normalised = (features - self.feature_mean) / self.feature_spread  # (B, C, h, w)
        hidden = torch.tanh(GENTLENESS * self.hidden(normalised.flatten(1))) / GENTLENESS  # (B, hidden)
        residual: Tensor = self.output(hidden).unflatten(1, self.mean_core.shape)  # (B, C, r, r)
        return self.mean_core + self.core_spread * residual


def core_hidden(features: int, outputs: int) -> int:
    """The widest hidden layer, at most 32, with which a ``CoreNet`` is stored in ``CORE_BYTES``."""
    statistics = 4 * (2 * features + outputs + 1)
    weights = (CORE_BYTES - statistics) // 2
    return max(1, min(CORE_HIDDEN, (weights - outputs) // (features + outputs + 1)))
