"""What of a portrait can be seen: what something hides, nobody can be asked to read."""

from __future__ import annotations

import torch
from torch import Tensor

from attrbank.backbones.portraits.palette import hair_of
from attrbank.backbones.portraits.parameters import GRADES, IDENTITY, KINDS, Portraits

READ_KINDS = tuple(name for name in KINDS if name != "hair_colour")
"""The kinds that a picture shows; of the hair's colour it shows what age has left of it."""

READ_NUMBERS = (
    *GRADES,
    *(name for name in IDENTITY if name not in {"greying", "hair_shade"}),
    "hair_red",
    "hair_green",
    "hair_blue",
)
"""The numbers that a picture shows; the last three are the colour that the hair is seen to have."""

_UNDER_SUNGLASSES = ("eye_size", "eye_spacing", "eye_colour")
_UNDER_HATS = ("fringe", "parting")
_OF_HATS = ("hat_shade",)
_OF_HAIR = ("hair_red", "hair_green", "hair_blue")


def numbers(portraits: Portraits) -> Tensor:
    """The truth of ``READ_NUMBERS``, (N, 27)."""
    own = [portraits.column(name) for name in READ_NUMBERS[: -len(_OF_HAIR)]]
    return torch.cat([torch.stack(own, dim=1), hair_of(portraits)], dim=1)


def numbers_seen(portraits: Portraits) -> Tensor:
    """Which of ``READ_NUMBERS`` can be seen, (N, 27) bool."""
    seen = {name: torch.ones(len(portraits), dtype=torch.bool) for name in READ_NUMBERS}
    hat, sun = portraits.column("hat") > 0, portraits.column("glasses") == KINDS["glasses"].index("sun")
    hairy = portraits.column("hair_length") > 0.1
    for name in _UNDER_SUNGLASSES:
        seen[name] &= ~sun
    for name in _UNDER_HATS:
        seen[name] &= hairy & ~hat
    for name in _OF_HATS:
        seen[name] &= hat
    for name in _OF_HAIR:
        seen[name] &= (hairy & ~hat) | (portraits.column("hair_length") > 0.4) | (portraits.column("beard") > 0.36)
    seen["wave"] &= hairy & ~hat
    return torch.stack([seen[name] for name in READ_NUMBERS], dim=1)


def kind_seen(portraits: Portraits, name: str) -> Tensor:
    """Whether a kind can be seen, (N,) bool: nobody sees the colour of a hat that is not worn."""
    if name == "hat_colour":
        return portraits.column("hat") > 0
    return torch.ones(len(portraits), dtype=torch.bool)
