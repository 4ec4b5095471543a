"""The colours of portraits, by name and shade, and the colour that hair is seen to have."""

from __future__ import annotations

import torch
from torch import Tensor

from attrbank.backbones.portraits.parameters import Portraits

RGB = tuple[float, float, float]

WHITE, INK, GOLD = (0.99, 0.99, 0.98), (0.13, 0.11, 0.14), (0.96, 0.76, 0.22)
SKINS: tuple[RGB, ...] = (
    (1.00, 0.88, 0.79),
    (0.97, 0.79, 0.65),
    (0.87, 0.66, 0.49),
    (0.67, 0.46, 0.33),
    (0.47, 0.32, 0.24),
)
EYES: tuple[RGB, ...] = ((0.30, 0.18, 0.11), (0.47, 0.32, 0.15), (0.28, 0.50, 0.30), (0.22, 0.48, 0.70))
_HAIRS: tuple[RGB, ...] = (
    (0.12, 0.10, 0.12),
    (0.39, 0.23, 0.13),
    (0.93, 0.75, 0.38),
    (0.78, 0.32, 0.11),
    (0.60, 0.61, 0.64),
    (0.93, 0.93, 0.92),
)
_BRIGHT: tuple[RGB, ...] = (
    (0.84, 0.17, 0.19),
    (0.96, 0.54, 0.12),
    (0.98, 0.83, 0.22),
    (0.20, 0.62, 0.33),
    (0.15, 0.42, 0.80),
    (0.52, 0.27, 0.68),
    (0.95, 0.52, 0.68),
    (0.95, 0.95, 0.94),
    (0.16, 0.16, 0.19),
    (0.56, 0.57, 0.59),
)
_GROUNDS: tuple[RGB, ...] = (
    (0.56, 0.78, 0.94),
    (0.62, 0.84, 0.66),
    (0.99, 0.89, 0.58),
    (0.98, 0.74, 0.78),
    (0.77, 0.70, 0.93),
    (0.74, 0.76, 0.79),
    (0.96, 0.96, 0.95),
)
_PALETTES = {
    "hair_colour": _HAIRS,
    "clothes_colour": _BRIGHT,
    "hat_colour": _BRIGHT,
    "background_colour": _GROUNDS,
}
_SHADES = {
    "hair_colour": "hair_shade",
    "clothes_colour": "clothes_shade",
    "hat_colour": "hat_shade",
    "background_colour": "background_shade",
}
_DARKEST, _SPAN = 0.94, 0.12
"""By what the colour of a kind is multiplied at shade 0, and how much more at shade 1."""


def along(palette: tuple[RGB, ...], where: Tensor) -> Tensor:
    """The colours (N, 3) at ``where`` (N,), in [0, 1], on the broken line through a palette."""
    colours, scaled = torch.tensor(palette), where * (len(palette) - 1)
    lower = scaled.long().clamp(max=len(palette) - 2)
    return torch.lerp(colours[lower], colours[lower + 1], (scaled - lower)[:, None])


def colour_of(portraits: Portraits, name: str) -> Tensor:
    """The colour (N, 3), in [0, 1], of one of the colour kinds, in each portrait's own shade."""
    plain = torch.tensor(_PALETTES[name])[portraits.column(name).long()]
    return plain * (_DARKEST + _SPAN * portraits.column(_SHADES[name])[:, None])


def greyness(portraits: Portraits) -> Tensor:
    """How much of the hair age has turned grey, (N,) in [0, 1]; a quarter of people never turn grey."""
    onset = 0.30 + 0.80 * portraits.column("greying") ** 2
    return ((portraits.column("age") - onset) / 0.30).clamp(0, 1)


def hair_of(portraits: Portraits) -> Tensor:
    """The colour that hair and beard are seen to have, (N, 3): their own, turned grey and at last white by age."""
    grey, white = torch.tensor(_HAIRS[4]), torch.tensor(_HAIRS[5])
    turned = torch.lerp(grey, white, ((portraits.column("age")[:, None] - 0.75) / 0.25).clamp(0, 1))
    # What is white already does not turn grey again.
    lighter = torch.maximum(colour_of(portraits, "hair_colour").mean(1, keepdim=True), turned)
    return torch.lerp(colour_of(portraits, "hair_colour"), lighter, 0.95 * greyness(portraits)[:, None])


def hair_named(portraits: Portraits) -> Tensor:
    """The kind of ``hair_colour`` that one would call what is seen, (N,); −1 where two would do."""
    nearest = torch.cdist(hair_of(portraits), torch.tensor(_HAIRS)).topk(2, largest=False)
    clear = nearest.values[:, 0] < 0.55 * nearest.values[:, 1]
    return torch.where(clear, nearest.indices[:, 0], -1).float()


def nearest_hair(colours: Tensor) -> Tensor:
    """The kind of ``hair_colour`` nearest to each colour (N, 3), (N,)."""
    return torch.cdist(colours, torch.tensor(_HAIRS)).argmin(1).float()


def hair_shade(colours: Tensor) -> Tensor:
    """The ``hair_shade`` with which the nearest kind of hair comes closest to each colour (N, 3), (N,) in [0, 1]."""
    plain = torch.tensor(_HAIRS)[nearest_hair(colours).long()]
    factor = (colours * plain).sum(1) / plain.square().sum(1)
    return ((factor - _DARKEST) / _SPAN).clamp(0, 1)
