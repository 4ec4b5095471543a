"""What an edit did, by an oracle's reading of before and after (docs/method.md 7)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from attrbank.backbones.portraits.parameters import GRADES, KINDS, Portraits, draw
from attrbank.backbones.portraits.visible import READ_NUMBERS, numbers
from attrbank.evaluation.judges.oracle import Oracle, Reading


class Goal(NamedTuple):
    """What an attribute's name promises of one of the renderer's values.

    Attributes:
        value: which.
        low: from where on it is kept; −∞ where everything below keeps it as well.
        high: up to where.
        perfect: what the renderer's own edit sets.
    """

    value: str
    low: float
    high: float
    perfect: float

    def excludes(self, other: Goal) -> bool:
        """Whether nothing keeps both."""
        return self.value == other.value and max(self.low, other.low) > min(self.high, other.high)

    def lacked_by(self, people: Portraits) -> Tensor:
        """Who lacks it by the renderer's own truth, (N,) bool."""
        shown = people.column(self.value)
        return (shown < self.low) | (shown > self.high)

    def given_to(self, people: Portraits) -> Portraits:
        """The same people with it and nothing else changed: the perfect edit."""
        return people.having(self.value, self.perfect)


_INF = float("inf")

GOALS: Mapping[str, Goal] = MappingProxyType(
    {
        "young": Goal("age", -_INF, 0.38, 0.15),
        "old": Goal("age", 0.62, _INF, 0.8),
        "smile": Goal("expression", 0.28, _INF, 0.6),
        "serious": Goal("expression", -0.35, 0.12, 0.0),
        "laughing": Goal("expression", 0.75, _INF, 0.9),
        "sad": Goal("expression", -_INF, -0.45, -0.75),
        "man": Goal("build", 0.55, _INF, 0.85),
        "woman": Goal("build", -_INF, 0.45, 0.15),
        "glasses": Goal("glasses", 0.5, _INF, 1.0),
        "sunglasses": Goal("glasses", 2.5, _INF, 3.0),
        "hat": Goal("hat", 0.5, _INF, 2.0),
        "earrings": Goal("earrings", 0.5, _INF, 1.0),
        "beard": Goal("beard", 0.36, _INF, 0.7),
        "bald": Goal("hair_length", -_INF, 0.1, 0.0),
        "long-hair": Goal("hair_length", 0.68, _INF, 0.85),
    }
)
"""The ranges are those in which captions use the word; young ends where middle-aged begins."""

PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "young": "a photo of a young person",
        "old": "a photo of an old person",
        "smile": "a photo of a person, smiling",
        "laughing": "a photo of a person, laughing",
        "sad": "a photo of a person, looking sad",
        "serious": "a photo of a person, serious",
        "man": "a photo of a man",
        "woman": "a photo of a woman",
        "glasses": "a photo of a person, with glasses",
        "sunglasses": "a photo of a person, with sunglasses",
        "hat": "a photo of a person, with a hat",
        "earrings": "a photo of a person, with earrings",
        "beard": "a photo of a person, with a beard",
        "bald": "a photo of a person, bald",
        "long-hair": "a photo of a person, with long hair",
    }
)
"""What asks the model for each goal and for nothing else."""

ATTRIBUTES: Mapping[str, float] = MappingProxyType(
    {**{name: 0.5 if name == "expression" else 0.25 for name in GRADES}, "glasses": 0.5, "hat": 0.5, "earrings": 0.5}
)
"""What can flip, and by how much it must change for that: a quarter of a grade's way, or whether a thing is worn."""

IDENTITY = tuple(name for name in READ_NUMBERS if name not in GRADES)
"""What makes a person that person, as far as a picture shows it."""
KEPT = ("clothes_colour", "background_colour")
"""Kinds that belong to the identity, too; another one counts as two strangers' numbers differ on average."""
HAIR = ("hair_red", "hair_green", "hair_blue")
HIDES_HAIR = ("age", "hair_length", "hat")
"""Values whose edits change the hair that is seen, or what can be seen of it."""
BY_RIGHT: Mapping[str, tuple[str, ...]] = MappingProxyType({"age": HAIR})
"""Identity that a perfect edit changes: age greys the hair that is seen."""


@dataclass(frozen=True)
class Pictures:
    """Pictures as an oracle sees them, so that each is looked at once.

    Attributes:
        reading: the renderer's values.
        features: the stages' channel-normalised activations.
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
        damaged = None if self.damaged is None else self.damaged[rows]
        features = tuple(stage[rows] for stage in self.features)
        return Pictures(self.reading.rows(rows), features, self.embedding[rows], damaged)


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


def degree(name: str, pictures: Pictures) -> Tensor:
    """How much of a value a picture shows, (B,): a grade in the renderer's units, or the probability of being worn."""
    if name in GRADES:
        return pictures.reading.number(name)
    return 1 - pictures.reading.kinds[name].softmax(1)[:, 0]


def effect(name: str, pictures: Pictures) -> Tensor:
    """By how much a picture keeps what the name promises, (B,): above 0 where it does, in units of ``degree``."""
    goal = GOALS[name]
    if goal.value in KINDS:
        return _probability(goal, pictures) - 0.5
    seen = degree(goal.value, pictures)
    return torch.minimum(seen - goal.low, goal.high - seen)


def _probability(goal: Goal, pictures: Pictures) -> Tensor:
    """That a kind is one of those that the goal names, (B,)."""
    likely = pictures.reading.kinds[goal.value].softmax(1)
    wanted = [goal.low <= kind <= goal.high for kind in range(likely.shape[1])]
    return likely[:, wanted].sum(1)


def has_all(pictures: Pictures, names: tuple[str, ...]) -> Tensor:
    """Whether a picture keeps everything that is named, (B,) bool."""
    return torch.stack([effect(name, pictures) > 0 for name in names]).all(0)


def flips(before: Pictures, after: Pictures, *values: str) -> Tensor:
    """Share of the other ``ATTRIBUTES`` that changed, (B,)."""
    changed = [
        (degree(name, after) - degree(name, before)).abs() > limit
        for name, limit in ATTRIBUTES.items()
        if name not in values
    ]
    return torch.stack(changed).float().mean(0)


@functools.cache
def identity_spread() -> Tensor:
    """Standard deviation of each of ``IDENTITY`` over renders, (22,)."""
    return _identity(numbers(draw(4096, 0))).std(0)


def identity_changes(before: Pictures, after: Pictures, *values: str) -> dict[str, Tensor]:
    """Squared change of each part of what makes a person, in standard deviations over renders, (B,).

    Only what is named in ``BY_RIGHT`` of the edited values is left out. What an edit makes hard to read, as a hat does
    with a fringe, is in the limit.
    """
    left_out = {name for value in values for name in BY_RIGHT.get(value, ())}
    change = (identities(after) - identities(before)) / identity_spread()
    found = dict(zip(IDENTITY, change.square().T, strict=True))
    other = {name: 2.0 * (after.reading.kind(name) != before.reading.kind(name)) for name in KEPT}
    return {name: square for name, square in (found | other).items() if name not in left_out}


def identity_error(before: Pictures, after: Pictures, *values: str) -> Tensor:
    """RMS of ``identity_changes``, (B,)."""
    return torch.stack(list(identity_changes(before, after, *values).values())).mean(0).sqrt()


def identities(pictures: Pictures, *names: str) -> Tensor:
    """Some of ``IDENTITY``, or all, (B, len(names))."""
    return torch.stack([pictures.reading.number(name) for name in names or IDENTITY], dim=1)


def _identity(read: Tensor) -> Tensor:
    return read[:, [READ_NUMBERS.index(name) for name in IDENTITY]]
