"""The ways from noise to a clean latent: the model's own, and two that no model made, to compare it with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from attrbank.plugin import Bench, OnProgress, nonzero, signal_and_noise

Way: TypeAlias = Literal["sampled", "straight", "noise"]
"""``sampled``: the model's. ``straight``: between the same two ends, mixed as the schedule says and nothing else.
``noise``: mixed likewise, towards other noise instead of a picture."""

WAYS: tuple[Way, ...] = get_args(Way)


def ways(bench: Bench, on_progress: OnProgress) -> dict[Way, Tensor]:
    """Latents at every step of every way, (T+1, B, C, H, W); the last is the clean end. All start from one noise."""
    path = sampled(bench, on_progress)
    start, end = path[0], path[-1]
    alpha_bars = [bench.trajectory.alpha_bar(index) for index in range(len(path))]
    random = torch.randn(end.shape, generator=torch.Generator().manual_seed(0))
    return {
        "sampled": path,
        "straight": straight(start, end, alpha_bars),
        "noise": straight(start, as_large_as(end, random), alpha_bars),
    }


def sampled(bench: Bench, on_progress: OnProgress) -> Tensor:
    """The model's own latents, (T+1, B, C, H, W)."""
    latents = []
    for index in range(bench.trajectory.end + 1):
        latents.append(bench.runs.at(bench.prompt, index).latent)
        on_progress("sampling", index, bench.trajectory.end)
    return torch.stack(latents)


def straight(start: Tensor, clean: Tensor, alpha_bars: Sequence[float]) -> Tensor:
    """√ᾱ clean + √(1−ᾱ) ε at every ᾱ, with the one ε that makes the first latent ``start``.

    Shapes:
        start, clean: (B, C, H, W); the first ᾱ is below 1.
        returns: (len(alpha_bars), B, C, H, W).
    """
    factors = [signal_and_noise(alpha_bar) for alpha_bar in alpha_bars]
    signal, rest = factors[0]
    noise = (start - signal * clean) / rest
    return torch.stack([signal * clean + rest * noise for signal, rest in factors])


def as_large_as(model: Tensor, other: Tensor) -> Tensor:
    """``other`` (B, C, H, W) with the norm that each channel of ``model`` has."""
    size, own = (latent.square().sum((2, 3), keepdim=True).sqrt() for latent in (model, other))  # (B, C, 1, 1)
    return other * size / nonzero(own)
