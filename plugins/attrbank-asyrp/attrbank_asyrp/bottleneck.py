"""Δh: how it is learned, and how it acts.

The latent's noise ε and its clean latent x̂0 are two predictions, and DDIM makes its step of both. Asyrp asks twice: ε
comes from the network as it is, x̂0 from the network with its bottleneck changed. With both from the changed one, much
of the change in ε would cancel that in x̂0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attrbank.plugin import (
    Adapt,
    Attend,
    Backbone,
    Bottleneck,
    Conditioning,
    LearnContext,
    Learned,
    Position,
    Prediction,
    PromptPair,
    Wants,
    attention_of,
    bottleneck_of,
    network_of,
)

TIMES = 5
"""At how many steps of the interval Δh is kept; others take the nearest."""

BATCH = 16
WANTED_BY = "The method 'asyrp'"


def learn(context: LearnContext) -> Learned:
    """The mean over seeds of h under the target prompt less h under the source prompt, at the source's own latents.

    At the same latent the content is the same, so that the mean is not blurred by where things are. It is as strong as
    guidance makes it.
    """
    trajectory, indices = context.trajectory, times_of(context)
    sums: dict[int, Tensor] = {}
    done, total = 0, len(indices) * len(context.spec.seeds)
    for pair, seeds in dealt(context):
        source, target = (trajectory.conditioning(prompt) for prompt in (pair.source, pair.target))
        position = trajectory.start(seeds)
        for index in indices:
            position = trajectory.run(position, source, index)
            change = features(context, position, target) - features(context, position, source)
            sums[index] = sums.get(index, torch.zeros(())) + change.sum(0)
            done += len(seeds)
            context.on_progress("looking at the bottleneck", done, total)
    scale = max(1.0, trajectory.guidance_scale) / len(context.spec.seeds)
    timesteps = torch.tensor([float(trajectory.grid[index][0]) for index in indices])
    changes = scale * torch.stack([sums[index] for index in indices])
    return Learned({"changes": changes, "timesteps": timesteps}, {"core": "mean"})


def times_of(context: LearnContext, most: int = TIMES) -> list[int]:
    """Steps from T_x to the last before T_z, at about equal distances."""
    first, last = context.index_x, max(context.index_x, context.index_z - 1)
    count = min(most, last - first + 1)
    return sorted({round(first + (last - first) * turn / max(1, count - 1)) for turn in range(count)})


def dealt(context: LearnContext) -> Iterator[tuple[PromptPair, tuple[int, ...]]]:
    """Every prompt pair with its share of the seeds, in batches."""
    pairs, seeds = context.spec.pairs, context.spec.seeds
    for number, pair in enumerate(pairs):
        share = seeds[number :: len(pairs)]
        for start in range(0, len(share), BATCH):
            yield pair, share[start : start + BATCH]


@torch.no_grad()
def features(context: LearnContext, position: Position, conditioning: Conditioning) -> Tensor:
    """What the network makes at its bottleneck of latents under one prompt, (B, C', H', W')."""
    backbone, rows = context.trajectory.backbone, len(position.latent)
    for_rows = {name: tensor.expand(rows, *tensor.shape[1:]) for name, tensor in conditioning.items()}
    timestep = context.trajectory.grid[position.index][0]
    return bottleneck_of(backbone, WANTED_BY).features(position.latent, timestep, for_rows)


class AsymmetricEdit:
    """Asymmetric steps until a time.

    Attributes:
        until: the time fraction at which it stops to act.
    """

    until: float

    def changed(self, h: Tensor, timestep: int, strength: float) -> Tensor:
        """What becomes of features (B, C', H', W'); of a guided call, the rows without the prompt come first."""
        raise NotImplementedError

    def through(self, backbone: Backbone, strength: float) -> Backbone:
        """The backbone with s Δh, of what is there already if it has been changed like this before.

        Raises:
            IncompatibleError: it has no bottleneck.
        """

        def change(h: Tensor, timestep: int) -> Tensor:
            return self.changed(h, timestep, strength)

        plain, moved = backbone, backbone
        if isinstance(backbone, Asymmetric):
            plain, moved = backbone.plain, backbone.moved
        shown: Bottleneck = bottleneck_of(moved, WANTED_BY)
        return Asymmetric(plain, shown.injecting(change))


@dataclass(eq=False)
class Steps(AsymmetricEdit):
    """With the same Δh for all pictures, and in all rows of a guided call.

    Attributes:
        changes: Δh at some timesteps, (K, C', H', W').
        timesteps: the K of them.
        until: the time fraction at which it stops to act.
    """

    changes: Tensor
    timesteps: tuple[float, ...]
    until: float

    def changed(self, h: Tensor, timestep: int, strength: float) -> Tensor:
        """The features with s Δh."""
        return h + strength * self.change_at(timestep)

    def change_at(self, timestep: int) -> Tensor:
        """Δh of the nearest timestep, (C', H', W')."""
        distances = [abs(timestep - known) for known in self.timesteps]
        return self.changes[distances.index(min(distances))]


class Asymmetric:
    """A backbone that says ε as one model does, and x̂0 as another; in all else it is the first.

    Attributes:
        plain: says ε.
        moved: says x̂0.
    """

    def __init__(self, plain: Backbone, moved: Backbone) -> None:
        self.plain, self.moved = plain, moved

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def adapting(self, change: Adapt) -> Asymmetric:
        """Both with another network; what is made of one alone would leave Δh out."""
        plain, moved = (network_of(model, WANTED_BY).adapting(change) for model in (self.plain, self.moved))
        return Asymmetric(plain, moved)

    def attending(self, change: Attend, *wants: Wants) -> Asymmetric:
        """Both with other attention, for the same reason."""
        plain, moved = (attention_of(model, WANTED_BY).attending(change, *wants) for model in (self.plain, self.moved))
        return Asymmetric(plain, moved)

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """Both ask the network once, (B, C, H, W) each."""
        eps = self.plain.predict(latent, timestep, conditioning).eps
        return Prediction(eps, self.moved.predict(latent, timestep, conditioning).x0)
