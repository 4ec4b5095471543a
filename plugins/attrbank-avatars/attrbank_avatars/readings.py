"""What an edit did to a picture's largest figure, by an eye's reading of before and after (docs/method.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from attrbank_avatars.eyes import Eye
from attrbank_avatars.goals import GOALS, Goal
from attrbank_avatars.truth import (
    COLOURS,
    GEOMETRY,
    HAIR,
    MOST_PEOPLE,
    PICTURE,
    SIDED,
    STYLES,
    TILT_UNIT,
    TRAITS,
    TRAITS_READ,
    seen,
    values_of,
)

FLIPPABLE = ("sex", "length", "hat", "facial", "eyewear", "mood")
"""Traits that an edit of another one should leave alone; the number of people is asked for beside these."""
KEPT = ("style", "ground", "pattern")
OWN = ("skin", "hair", "clothes", "looks")
"""Of the figure, and no business of an edit where they can be seen."""
PALETTES: Mapping[str, Mapping[str, str]] = {"hair": HAIR, "clothes": COLOURS}
SPREAD: Mapping[str, float] = {"x": 0.118, "y": 0.118, "scale": 0.159, "tilt": 5.9 / TILT_UNIT}
"""Standard deviations of the places of single figures in scenes, in the units of the eyes."""
NOISE: Mapping[str, float] = {"x": 0.011, "y": 0.011, "scale": 0.017, "tilt": 0.8 / TILT_UNIT}
"""The judge's mean errors about renders through the codec (README.md), in the units of the eyes."""
OTHER = 2.0
"""What another kind counts, as two strangers' numbers differ on average, in squared standard deviations."""


@dataclass(frozen=True)
class Pictures:
    """Pictures as an eye sees them, so that each is looked at once.

    Attributes:
        picture: logits (B, values) for each of ``PICTURE``.
        person: logits (B, values) for each of ``TRAITS_READ``, of the largest figure.
        place: of that figure, (B, 4), columns as in ``GEOMETRY``; tilt in units of 14°.
        features: the channel-normalised activations of all stages for the whole picture.
        embedding: the last activations for that figure's frame, averaged over positions, (B, D).
        damaged: which of them are none that could have been drawn, (B,) bool; None if nobody has looked for it.
    """

    picture: Mapping[str, Tensor]
    person: Mapping[str, Tensor]
    place: Tensor
    features: tuple[Tensor, ...]
    embedding: Tensor
    damaged: Tensor | None = None

    def __len__(self) -> int:
        return len(self.embedding)

    def __getitem__(self, rows: Tensor) -> Pictures:
        return Pictures(
            {name: logits[rows] for name, logits in self.picture.items()},
            {name: logits[rows] for name, logits in self.person.items()},
            self.place[rows],
            tuple(stage[rows] for stage in self.features),
            self.embedding[rows],
            None if self.damaged is None else self.damaged[rows],
        )

    def answer(self, name: str) -> Tensor:
        """The likeliest value of one of ``PICTURE`` or ``TRAITS_READ``, by its number, (B,)."""
        return (self.picture[name] if name in PICTURE else self.person[name]).argmax(1)

    @cached_property
    def styles(self) -> list[str]:
        """The likeliest style of each picture."""
        return [STYLES[number] for number in self.answer("style").tolist()]

    @cached_property
    def alone(self) -> Tensor:
        """Which pictures have one figure, (B,) bool."""
        return self.answer("people") == PICTURE["people"].index("one")

    @cached_property
    def visible(self) -> Mapping[str, Tensor]:
        """For each of ``TRAITS_READ`` where it can be seen, (B,) bool: not below a hat or a beard, say."""
        numbers = {name: self.answer(name).tolist() for name in TRAITS}
        shown = [seen(style, _traits(style, numbers, row)) for row, style in enumerate(self.styles)]
        told = {name: torch.tensor([name in one for one in shown], dtype=torch.bool) for name in TRAITS_READ}
        return {**told, "looks": torch.tensor([style in SIDED for style in self.styles], dtype=torch.bool)}


def _traits(style: str, numbers: Mapping[str, list[int]], row: int) -> dict[str, str]:
    """What is read of a figure; where its style has no choice, what that style has."""
    found = {}
    for name, values in TRAITS.items():
        possible = values_of(style, name)
        found[name] = possible[0] if len(possible) == 1 else values[numbers[name][row]]
    return found


@torch.no_grad()
def look_at(eye: Eye, images: Tensor, batch: int = 64) -> Pictures:
    """Read images (B, 3, h, w) in [0, 1]."""
    parts = [_look_at(eye, images[i : i + batch]) for i in range(0, max(1, len(images)), batch)]
    return Pictures(
        {name: torch.cat([part.picture[name] for part in parts]) for name in PICTURE},
        {name: torch.cat([part.person[name] for part in parts]) for name in TRAITS_READ},
        torch.cat([part.place for part in parts]),
        tuple(torch.cat(stages) for stages in zip(*(part.features for part in parts), strict=True)),
        torch.cat([part.embedding for part in parts]),
    )


def _look_at(eye: Eye, images: Tensor) -> Pictures:
    features = eye.features(images)
    found = eye.find_in(features)
    place = largest(found.geometry, found.picture["people"].argmax(1) + 1)
    frames = eye.features_at(images, place)
    normalised = tuple(stage / (stage.norm(dim=1, keepdim=True) + 1e-6) for stage in features)
    return Pictures(found.picture, eye.read_in(frames), place, normalised, frames[-1].mean((2, 3)))


def largest(geometry: Tensor, people: Tensor) -> Tensor:
    """The place of the largest of so many figures, (B, 4), out of (B, 2, 4)."""
    scale = geometry[..., GEOMETRY.index("scale")]
    there = torch.arange(MOST_PEOPLE) < people[:, None]
    chosen = scale.masked_fill(~there, -torch.inf).argmax(1)
    return geometry[torch.arange(len(geometry)), chosen]


def effect(name: str, pictures: Pictures) -> Tensor:
    """How surely the largest figure keeps what the name promises: a probability − ½, (B,)."""
    goal = GOALS[name]
    values = [TRAITS_READ[goal.trait].index(value) for value in goal.values]
    return pictures.person[goal.trait].softmax(1)[:, values].sum(1) - 0.5


def lacking(name: str, pictures: Pictures) -> Tensor:
    """Which pictures show one figure that lacks it, visibly, in a style that knows it, (B,) bool."""
    goal = GOALS[name]
    known = torch.tensor([goal.possible_in(style) for style in pictures.styles], dtype=torch.bool)
    return (effect(name, pictures) <= 0) & known & pictures.alone & pictures.visible[goal.trait]


def flips(before: Pictures, after: Pictures, goal: Goal) -> Tensor:
    """Share of the other traits, and of the number of people, that changed, of those that are seen twice, (B,)."""
    others = [name for name in FLIPPABLE if name not in (goal.trait, *goal.by_right)]
    seen_twice = [before.visible[name] & after.visible[name] for name in others]
    changed = [before.answer(name) != after.answer(name) for name in others]
    asked = torch.stack([*seen_twice, torch.ones_like(before.alone)]).float()
    return (torch.stack([*changed, before.alone != after.alone]) * asked).sum(0) / asked.sum(0)


def identity_error(before: Pictures, after: Pictures) -> Tensor:
    """RMS change of all that makes a figure this one at this place, in standard deviations over scenes, (B,).

    Style, ground, pattern, the colours of skin, hair and clothes, and the side that the figure looks to either stay or
    count as much as two strangers differ; place, scale and tilt count by how far they move. What cannot be seen in both
    pictures is left out.
    """
    changed = {name: OTHER * (before.answer(name) != after.answer(name)) for name in (*KEPT, *OWN)}
    asked = {name: before.visible[name] & after.visible[name] for name in OWN}
    for name, column in _columns(SPREAD).items():
        changed[name] = ((after.place[:, column] - before.place[:, column]) / SPREAD[name]).square()
    everywhere = torch.ones(len(before))
    weights = torch.stack([asked[name].float() if name in asked else everywhere for name in changed])
    return ((torch.stack(list(changed.values())) * weights).sum(0) / weights.sum(0)).sqrt()


def geometry_error(before: Pictures, after: Pictures) -> Tensor:
    """RMS of how far the figure moves, grows and tilts, (B,); 1 is what two readings of one figure differ by."""
    moved = {name: after.place[:, column] - before.place[:, column] for name, column in _columns(NOISE).items()}
    return torch.stack([moved[name] / (2**0.5 * noise) for name, noise in NOISE.items()]).square().mean(0).sqrt()


def _columns(names: Iterable[str]) -> dict[str, int]:
    """Where the numbers of a place stand."""
    return {name: GEOMETRY.index(name) for name in names}


def colours(pictures: Pictures) -> Tensor:
    """The colours of hair and clothes, by their probabilities, in red, green and blue in [0, 1], (B, 6).

    What a hat hides is guessed; where a style has no colours, they are the style's.
    """
    return torch.cat([_colour(pictures, name, palette) for name, palette in PALETTES.items()], dim=1)


def _colour(pictures: Pictures, name: str, palette: Mapping[str, str]) -> Tensor:
    known = torch.tensor([list(bytes.fromhex(colour)) for colour in palette.values()]) / 255
    possible = [values_of(style, name) for style in pictures.styles]
    chosen = torch.tensor([TRAITS[name].index(values[0]) for values in possible], dtype=torch.long)
    free = torch.tensor([len(values) > 1 for values in possible], dtype=torch.bool)
    return torch.where(free[:, None], pictures.person[name].softmax(1) @ known, known[chosen])
