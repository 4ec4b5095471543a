"""What a portrait is made of, every part of it a number, and how the parts go together in the training data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

GRADES = ("age", "expression", "beard", "hair_length", "build")
"""Continuous attributes, each in [0, 1]; ``expression`` is in [−1, 1], from sad over serious to laughing.

``age`` runs from a child over .5, middle-aged, to very old; ``beard`` over stubble (.1 to .35) and short (to .65) to
long; ``hair_length`` from bald to the chest; ``build`` from feminine to masculine.
"""

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "glasses": ("none", "round", "square", "sun"),
        "hat": ("none", "cap", "brim", "beanie"),
        "earrings": ("none", "rings"),
        "hair_colour": ("black", "brown", "blond", "red", "grey", "white"),
        "clothes_colour": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "grey"),
        "hat_colour": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "grey"),
        "background_colour": ("blue", "green", "yellow", "pink", "purple", "grey", "white"),
    }
)
"""Attributes of which there are kinds; the number is the kind's place in its row."""

IDENTITY = (
    "skin",
    "eye_size",
    "eye_spacing",
    "eye_colour",
    "head_x",
    "head_y",
    "tilt",
    "face_width",
    "face_height",
    "nose",
    "mouth_width",
    "brow",
    "fringe",
    "parting",
    "wave",
    "collar",
    "greying",
    "hair_shade",
    "clothes_shade",
    "hat_shade",
    "background_shade",
)
"""What makes a person that person, each in [0, 1]; ``greying`` says how late age turns the hair grey."""

NAMES = (*GRADES, *KINDS, *IDENTITY)
"""All parameters, in the order of the columns."""

ENTANGLEMENT: Mapping[str, tuple[str, float, float]] = MappingProxyType(
    {
        "smiling": ("build", 0.70, 0.40),
        "bald": ("build", 0.04, 0.22),
        "long_hair": ("build", 0.85, 0.20),
        "bearded": ("build", 0.05, 0.60),
        "glasses": ("age", 0.25, 0.65),
        "hat": ("build", 0.15, 0.45),
        "earrings": ("build", 0.60, 0.10),
        "muted": ("age", 0.20, 0.70),
    }
)
"""P(event | parent is 0) and P(event | parent is 1), linear in between.

Attributes are entangled as in real data, so that "change only this" is a real test; every combination is drawn.
``smiling`` is an expression above .1, ``long_hair`` a hair length above .5 of those who are not bald, ``muted``
clothes that are white, black or grey. Hair greys with age besides (see ``IDENTITY``).
"""

_MUTED_FROM = KINDS["clothes_colour"].index("white")
_SUNGLASSES = 0.3
_HAIR_ODDS = (0.24, 0.26, 0.20, 0.14, 0.09, 0.07)
_BUILDS = ((0.45, 0.0, 0.35), (0.45, 0.65, 1.0), (0.10, 0.35, 0.65))


@dataclass(frozen=True)
class Portraits:
    """N portraits as parameters.

    Shapes:
        values: (N, 33), columns as in ``NAMES``.
    """

    values: Tensor

    def __len__(self) -> int:
        return self.values.shape[0]

    def __getitem__(self, rows: slice | Tensor) -> Portraits:
        return Portraits(self.values[rows])

    def column(self, name: str) -> Tensor:
        """One parameter, (N,).

        Raises:
            ValueError: there is no such parameter.
        """
        return self.values[:, NAMES.index(name)]

    def having(self, name: str, value: float | Tensor) -> Portraits:
        """The same people with one parameter set, to a number or to (N,) numbers, and nothing else changed.

        Raises:
            ValueError: there is no such parameter.
        """
        values = self.values.clone()
        values[:, NAMES.index(name)] = value
        return Portraits(values)


class _Dice:
    """Random numbers for ``count`` portraits."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.generator = count, torch.Generator().manual_seed(seed)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(self.count, generator=self.generator)

    def one_of(self, odds: tuple[float, ...]) -> Tensor:
        count = max(1, self.count)  # multinomial refuses 0
        drawn = torch.multinomial(torch.tensor(odds), count, replacement=True, generator=self.generator)
        return drawn[: self.count].float()

    def happens(self, event: str, parents: Mapping[str, Tensor]) -> Tensor:
        """Whether an event of ``ENTANGLEMENT`` happens, (N,) bool."""
        parent, lowest, highest = ENTANGLEMENT[event]
        return self.uniform() < lowest + (highest - lowest) * parents[parent]


def draw(count: int, seed: int) -> Portraits:
    """``count`` portraits from the entangled distribution; the same seed gives the same people."""
    dice = _Dice(count, seed)
    drawn = {name: dice.uniform() for name in IDENTITY}
    drawn["age"] = dice.uniform()
    drawn["build"] = _build(dice)
    drawn |= _face(dice, drawn)
    drawn |= _wear(dice, drawn)
    return Portraits(torch.stack([drawn[name] for name in NAMES], dim=1))


def _build(dice: _Dice) -> Tensor:
    which = dice.one_of(tuple(share for share, _, _ in _BUILDS)).long()
    choices = torch.stack([dice.uniform(low, high) for _, low, high in _BUILDS])
    return choices.gather(0, which[None])[0]


def _face(dice: _Dice, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
    smiling = torch.where(dice.happens("smiling", drawn), dice.uniform(0.1, 1), dice.uniform(-1, 0.1))
    length = torch.where(dice.happens("long_hair", drawn), dice.uniform(0.5, 1), dice.uniform(0.1, 0.5))
    return {
        "expression": smiling,
        "hair_length": torch.where(dice.happens("bald", drawn), dice.uniform(0, 0.03), length),
        "beard": torch.where(dice.happens("bearded", drawn), dice.uniform(0.1, 1), torch.zeros(dice.count)),
        "hair_colour": dice.one_of(_HAIR_ODDS),
    }


def _wear(dice: _Dice, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
    clear = (1 - _SUNGLASSES) / 2
    bright, muted = (0.15,) * _MUTED_FROM, (1.0,) * (len(KINDS["clothes_colour"]) - _MUTED_FROM)
    clothes = torch.where(dice.happens("muted", drawn), dice.one_of(muted) + _MUTED_FROM, dice.one_of(bright))
    return {
        "glasses": dice.happens("glasses", drawn) * (1 + dice.one_of((clear, clear, _SUNGLASSES))),
        "hat": dice.happens("hat", drawn) * (1 + dice.one_of((1.0, 1.0, 1.0))),
        "earrings": dice.happens("earrings", drawn).float(),
        "clothes_colour": clothes,
        "hat_colour": dice.one_of((1.0,) * len(KINDS["hat_colour"])),
        "background_colour": dice.one_of((1.0,) * len(KINDS["background_colour"])),
    }
