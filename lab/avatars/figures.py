"""Figures as traits: drawn at random, changed in one trait, translated into a designer's options."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from attrbank_avatars.truth import TRAITS, seen, values_of

from lab.avatars.styles import STYLES, Options

WEIGHTS = {
    "long": 3.5,
    "up": 1.2,
    "short": 3.5,
    "bald": 1.2,
    "bare": 7.0,
    "hat": 2.0,
    "none": 1.0,
    "stubble": 0.4,
    "moustache": 0.4,
    "beard": 0.6,
    "glasses": 0.6,
    "sunglasses": 0.25,
    "smiling": 1.0,
    "laughing": 0.7,
    "sad": 1.0,
    "surprised": 0.6,
    "serious": 0.6,
}
"""How often, where not all are alike."""


@dataclass(frozen=True)
class Figure:
    """One person.

    Attributes:
        style: a key of ``STYLES``.
        traits: a value for each of ``TRAITS``, also where something else hides it.
        variety: decides, by a number for each of the style's options, among options that show the same traits.
    """

    style: str
    traits: Mapping[str, str]
    variety: int

    def with_trait(self, name: str, value: str) -> Figure:
        """The same person with one trait changed and nothing else: the perfect edit.

        Raises:
            ValueError: the style has no such value.
        """
        if value not in values_of(self.style, name):
            raise ValueError(f"{self.style} figures know no {name} {value}.")
        return replace(self, traits={**self.traits, name: value})

    def options(self) -> Options:
        """What the designer's package is told; every choice explicit."""

        def pick(option: str, choices: tuple[str, ...]) -> str:
            return random.Random(f"{self.variety} {option}").choice(choices)  # noqa: S311 — pictures, not secrets

        style = STYLES[self.style]
        return {**style.options(self.traits, pick), **style.framing}

    def seen(self) -> dict[str, str]:
        """What a viewer can see of the figure, and nothing that is hidden or that the style does not have."""
        return seen(self.style, self.traits)

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def draw_figure(style: str, rng: random.Random, independent: bool = False) -> Figure:
    """A random person of a style.

    Args:
        style: a key of ``STYLES``.
        rng: decides everything.
        independent: every trait as it comes; long hair and beards go together seldom otherwise.
    """
    traits: dict[str, str] = {}
    for name in TRAITS:
        values = values_of(style, name)
        weights = [WEIGHTS.get(value, 1.0) for value in values]
        if name == "facial" and traits["length"] in ("long", "up") and not independent:
            weights = [
                weight if value == "none" else 0.05 * weight for value, weight in zip(values, weights, strict=True)
            ]
        traits[name] = rng.choices(values, weights)[0]
    return Figure(style, traits, rng.getrandbits(32))
