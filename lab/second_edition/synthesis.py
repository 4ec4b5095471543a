"""Analysis by synthesis: draw again what an eye has read, and see where the picture is something else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from attrbank_portraits_2.eyes import Reading
from attrbank_portraits_2.palette import hair_shade, nearest_hair
from attrbank_portraits_2.parameters import NAMES, Portraits
from attrbank_portraits_2.render import render
from attrbank_portraits_2.visible import READ_KINDS, READ_NUMBERS
from torch import Tensor

from lab.second_edition.spoil import blur

REGIONS: Mapping[str, tuple[slice, slice]] = MappingProxyType(
    {
        "hair": (slice(4, 46), slice(20, 108)),
        "eyes": (slice(44, 78), slice(30, 98)),
        "mouth": (slice(76, 104), slice(40, 88)),
        "ground": (slice(0, 64), slice(0, 14)),
    }
)
"""Rows and columns of a picture of 128×128."""


def again(reading: Reading) -> Portraits:
    """The portraits that an eye has read; those whose hair has greyed are given grey hair from birth."""
    numbers = dict(zip(READ_NUMBERS, reading.numbers.T, strict=True))
    columns = {name: numbers[name].clamp(-1 if name == "expression" else 0, 1) for name in NAMES if name in numbers}
    columns |= {name: reading.kind(name).float() for name in READ_KINDS}
    hair = reading.numbers[:, -3:]
    columns["hair_colour"] = nearest_hair(hair)
    columns["hair_shade"] = hair_shade(hair)
    columns["greying"] = torch.ones(len(hair))
    return Portraits(torch.stack([columns[name] for name in NAMES], dim=1))


def unlike(images: Tensor, reading: Reading) -> dict[str, Tensor]:
    """How far pictures are from what they are read as, by region.

    Both are blurred a little first, since half a pixel's shift of an outline is no damage.

    Shapes:
        images: (N, 3, 128, 128) in [0, 1].
        returned: for each of ``REGIONS`` the root mean square difference, (N,).
    """
    difference = (blur(images, 1) - blur(render(again(reading)), 1)).square()
    return {name: difference[:, :, rows, columns].mean((1, 2, 3)).sqrt() for name, (rows, columns) in REGIONS.items()}
