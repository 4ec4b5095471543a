"""What an edit did, by an oracle's reading of before and after (docs/method.md 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from attrbank.backbones.portraits.parameters import ATTRIBUTES, IDENTITY, draw
from attrbank.evaluation.judges.oracle import Oracle, Reading


class Goal(NamedTuple):
    """What an attribute's name promises: an oracle's attribute, and whether it is to come or to go."""

    attribute: str
    present: bool


GOALS = {
    "young": Goal("old", False),
    "old": Goal("old", True),
    "smile": Goal("smiling", True),
    "serious": Goal("smiling", False),
    "man": Goal("man", True),
    "woman": Goal("man", False),
    "glasses": Goal("glasses", True),
    "hat": Goal("hat", True),
    "beard": Goal("beard", True),
}

MADE_ALIKE = ("hair",)
"""Of the identity, what edits are known to make alike in everybody. In a mean with what they leave alone, as skin and
clothes, the loss would be hidden."""


@dataclass(frozen=True)
class Pictures:
    """Pictures as an oracle sees them, so that each is looked at once.

    Attributes:
        reading: its attributes and identity.
        features: the three stages' channel-normalised activations.
        embedding: the last stage's activations, averaged over positions, (B, D).
        damaged: which of them are none that could have been drawn, (B,) bool; None if nobody has looked for it.
    """

    reading: Reading
    features: tuple[Tensor, ...]
    embedding: Tensor
    damaged: Tensor | None = None

    def __len__(self) -> int:
        return len(self.embedding)

    def __getitem__(self, rows: Tensor) -> Pictures:
        reading = Reading(self.reading.logits[rows], self.reading.identity[rows])
        damaged = None if self.damaged is None else self.damaged[rows]
        return Pictures(reading, tuple(stage[rows] for stage in self.features), self.embedding[rows], damaged)


@torch.no_grad()
def look_at(oracle: Oracle, images: Tensor, batch: int = 64) -> Pictures:
    """Read images (B, 3, h, w) in [0, 1]."""
    stages = [oracle.features(images[i : i + batch]) for i in range(0, len(images), batch)]
    joined = [torch.cat(parts) for parts in zip(*stages, strict=True)]
    normalised = tuple(stage / (stage.norm(dim=1, keepdim=True) + 1e-6) for stage in joined)
    return Pictures(oracle.read_features(joined), normalised, joined[-1].mean((2, 3)))


class Featured(Protocol):
    """Anything with stages of channel-normalised activations, each (B, C, h, w)."""

    @property
    def features(self) -> tuple[Tensor, ...]:
        """The stages."""
        ...


def perceptual_distance(before: Featured, after: Featured) -> Tensor:
    """Squared distance of normalised features: summed over channels, averaged over positions and stages, (B,)."""
    distances = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(before.features, after.features, strict=True)]
    return torch.stack(distances).mean(0)


def identity_spread() -> Tensor:
    """Standard deviation of each identity parameter over renders, (14,)."""
    return draw(4096, 0).identity.std(0)


def identity_error(before: Pictures, after: Pictures) -> Tensor:
    """RMS change of all identity parameters, in standard deviations over renders, (B,).

    None is left out, whatever the edit: the parameters are what the renderer was told, before age greys the hair or
    narrows the eyes, so that a perfect edit changes none of them. What it makes hard to read is in the limit.
    """
    return ((after.reading.identity - before.reading.identity) / identity_spread()).square().mean(1).sqrt()


def identities(pictures: Pictures, names: Sequence[str]) -> Tensor:
    """Some of the identity parameters, (B, len(names))."""
    return pictures.reading.identity[:, [IDENTITY.index(name) for name in names]]


def effect(name: str, pictures: Pictures) -> Tensor:
    """How surely the oracle sees what the name promises: its logit, positive where it does, (B,)."""
    logit = pictures.reading.logits[:, ATTRIBUTES.index(GOALS[name].attribute)]
    return logit if GOALS[name].present else -logit


def has_all(pictures: Pictures, names: tuple[str, ...]) -> Tensor:
    """Whether the oracle sees every named attribute, (B,) bool."""
    return torch.stack([effect(name, pictures) > 0 for name in names]).all(0)


def flips(before: Pictures, after: Pictures, *attributes: str) -> Tensor:
    """Share of the other attributes whose reading changed, (B,)."""
    others = [i for i, other in enumerate(ATTRIBUTES) if other not in attributes]
    changed = (after.reading.logits > 0) != (before.reading.logits > 0)
    return changed[:, others].float().mean(1)
