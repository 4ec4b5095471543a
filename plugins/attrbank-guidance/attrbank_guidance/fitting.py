"""Training the classifier: clean latents of both sides, with noise of every size on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from attrbank_guidance.noise_aware import NoiseAware

STEPS, PAIRS = 600, 32
"""Of the training: its steps, and the most pairs of latents in each."""
RATE, DECAY = 2e-3, 0.05
HELD_OUT = 4
"""One pair of so many is for telling how often it is right, where there are as many as two times that."""
DRAWS = 8
"""How often each of these is noised, to tell it."""


class Fitted(NamedTuple):
    """A classifier that was trained.

    Attributes:
        net: it.
        right: in which share of the held-out latents, with noise of every size, it is right; None with too few.
    """

    net: NoiseAware
    right: float | None


def fit(
    source: Tensor,
    target: Tensor,
    levels: Sequence[float],
    *,
    generator: torch.Generator,
    on_step: Callable[[int, int], None],
) -> Fitted:
    """Train one on pairs of clean latents.

    Both of a pair are given the same noise, so that what tells them apart is what the prompts changed.

    Args:
        source: clean latents (M, C, H, W) of the source prompts, or pictures.
        target: of the targets, (M, C, H, W).
        levels: ᾱ of all noises that there are.
        generator: of its first weights, and all that is drawn.
        on_step: told of steps done, and their total.
    """
    clean = torch.stack([source, target]).float()  # (2, M, C, H, W)
    held = torch.zeros(len(source), dtype=torch.bool)
    if len(source) >= 2 * HELD_OUT:
        held[HELD_OUT - 1 :: HELD_OUT] = True
    net = NoiseAware.untrained(clean[:, ~held].flatten(0, 1), generator)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    taught = clean[:, ~held]
    for step in range(STEPS):
        rows = torch.randperm(taught.shape[1], generator=generator)[:PAIRS]
        loss = functional.softplus(-_rightness(net, taught[:, rows], levels, generator)).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimiser.step()
        schedule.step()
        on_step(step + 1, STEPS)
    net.freeze()
    return Fitted(net, _right(net, clean[:, held], levels, generator) if bool(held.any()) else None)


def _rightness(net: NoiseAware, clean: Tensor, levels: Sequence[float], generator: torch.Generator) -> Tensor:
    """The log-odds (2, B) of the right answer about clean latents (2, B, C, H, W), noised."""
    count = clean.shape[1]
    alpha_bar = torch.tensor(levels)[torch.randint(len(levels), (count,), generator=generator)]
    signal, spread = (root[:, None, None, None] for root in (alpha_bar.sqrt(), (1 - alpha_bar).sqrt()))
    noised = signal * clean + spread * torch.randn(clean.shape[1:], generator=generator)
    odds = net(noised.flatten(0, 1), alpha_bar.repeat(2)).unflatten(0, (2, count))
    return torch.stack([-odds[0], odds[1]])


@torch.no_grad()
def _right(net: NoiseAware, clean: Tensor, levels: Sequence[float], generator: torch.Generator) -> float:
    return float((_rightness(net, clean.repeat(1, DRAWS, 1, 1, 1), levels, generator) > 0).float().mean())
