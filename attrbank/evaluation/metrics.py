"""What an edit did, by an oracle's reading of before and after (METHOD section 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.backbones.portraits.parameters import ATTRIBUTES, IDENTITY, draw
from attrbank.evaluation.oracle import Oracle, Reading


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

# Identity that a perfect edit changes, or hides from every reader: grey hair, small eyes, a hat over the hair.
CHANGED_BY = {"old": {"hair", "skin", "eye_size"}, "hat": {"hair"}, "man": {"hair", "face_width"}, "beard": {"hair"}}


@dataclass(frozen=True)
class Pictures:
    """Pictures as an oracle sees them, so that each is looked at once.

    Attributes:
        reading: its attributes and identity.
        features: the three stages' channel-normalised activations.
    """

    reading: Reading
    features: tuple[Tensor, ...]

    def __getitem__(self, rows: Tensor) -> Pictures:
        reading = Reading(self.reading.logits[rows], self.reading.identity[rows])
        return Pictures(reading, tuple(stage[rows] for stage in self.features))


@torch.no_grad()
def look_at(oracle: Oracle, images: Tensor, batch: int = 64) -> Pictures:
    """Read images (B, 3, h, w) in [0, 1]."""
    stages = [oracle.features(images[i : i + batch]) for i in range(0, len(images), batch)]
    joined = [torch.cat(parts) for parts in zip(*stages, strict=True)]
    normalised = tuple(stage / (stage.norm(dim=1, keepdim=True) + 1e-6) for stage in joined)
    return Pictures(oracle.read_features(joined), normalised)


def perceptual_distance(before: Pictures, after: Pictures) -> Tensor:
    """Squared distance of normalised features: summed over channels, averaged over positions and stages, (B,)."""
    distances = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(before.features, after.features, strict=True)]
    return torch.stack(distances).mean(0)


def identity_spread() -> Tensor:
    """Standard deviation of each identity parameter over renders, (14,)."""
    return draw(4096, 0).identity.std(0)


def identity_error(before: Pictures, after: Pictures, attribute: str) -> Tensor:
    """RMS change of the identity parameters that the attribute leaves alone, in standard deviations, (B,)."""
    kept = [i for i, name in enumerate(IDENTITY) if name not in CHANGED_BY.get(attribute, set())]
    change = (after.reading.identity - before.reading.identity) / identity_spread()
    return change[:, kept].square().mean(1).sqrt()


class Share(NamedTuple):
    """A share with its 95 % Wilson interval."""

    value: float
    low: float
    high: float
    total: int


def share(hits: Tensor) -> Share:
    """Of booleans (N,); NaN if there are none."""
    n, z = len(hits), 1.96
    if not n:
        return Share(math.nan, 0.0, 1.0, 0)
    p = hits.float().mean().item()
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return Share(p, max(0.0, centre - half), min(1.0, centre + half), n)


class Score(NamedTuple):
    """How an edit did on the pictures that lacked the attribute.

    Attributes:
        success: share of them in which the oracle now sees it.
        flips: mean over the other attributes of the share whose reading changed.
        flips_error: its standard error over pictures.
        perceptual: mean perceptual distance to the unedited picture.
        identity: mean identity error.
    """

    success: Share
    flips: float
    flips_error: float
    perceptual: float
    identity: float


def has_all(pictures: Pictures, names: tuple[str, ...]) -> Tensor:
    """Whether the oracle sees every named attribute, (B,) bool."""
    logits = pictures.reading.logits
    seen = [(logits[:, ATTRIBUTES.index(GOALS[n].attribute)] > 0) == GOALS[n].present for n in names]
    return torch.stack(seen).all(0)


def score(name: str, before: Pictures, after: Pictures) -> Score:
    """Judge the attribute ``name`` on pictures (B, ...) before and after."""
    lacking = ~has_all(before, (name,))
    before, after = before[lacking], after[lacking]
    others = [i for i, other in enumerate(ATTRIBUTES) if other != GOALS[name].attribute]
    changed = ((after.reading.logits > 0) != (before.reading.logits > 0))[:, others].float().mean(1)
    return Score(
        success=share(has_all(after, (name,))),
        flips=changed.mean().item(),
        flips_error=(changed.std() / max(1, len(changed)) ** 0.5).item(),
        perceptual=perceptual_distance(before, after).mean().item(),
        identity=identity_error(before, after, GOALS[name].attribute).mean().item(),
    )
