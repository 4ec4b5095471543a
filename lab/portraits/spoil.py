"""Ways to spoil a picture: what an oracle must read through, and the damage that a detector must see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from lab import spoiling
from lab.spoiling import Chance, blur, disc


def _spot(images: Tensor, chance: Chance, low: float, high: float) -> Tensor:
    """A soft disc somewhere on the head, (N, 1, h, w) in [0, 1], its radius a share of the width."""
    x, y = chance.number(0.25, 0.75), chance.number(0.2, 0.8)
    return disc(x, y, chance.number(low, high), images.shape[-1])


# What does not change what is shown. An oracle is trained on pictures that went through one of these.


def soften(images: Tensor, chance: Chance) -> Tensor:
    """Blur of random strength, or sharpening."""
    return torch.lerp(images, blur(images, 1), chance.number(-0.8, 1.0)).clamp(0, 1)


def grain(images: Tensor, chance: Chance) -> Tensor:
    """Noise of random strength."""
    return (images + chance.grain(images) * chance.number(0, 0.08)).clamp(0, 1)


def cover(images: Tensor, chance: Chance) -> Tensor:
    """A small disc of one colour in front of the picture."""
    colour = torch.rand(len(images), 3, 1, 1, generator=chance.generator, device=chance.device)
    return torch.lerp(images, colour.expand_as(images), _spot(images, chance, 0.03, 0.09))


BLEMISHES: tuple[Callable[[Tensor, Chance], Tensor], ...] = (soften, grain, cover)


def half_drawn(images: Tensor, others: Tensor) -> Tensor:
    """One side of the one pictures, the other side of the others: half a pair of glasses is no glasses to an oracle."""
    return torch.where(_left(images), images, others)


def _left(images: Tensor) -> Tensor:
    """The left half of pictures, (w,) bool."""
    return torch.arange(images.shape[-1], device=images.device) < images.shape[-1] // 2


# Damage. Each takes pictures, the same with other glasses, and chance.


def lens(images: Tensor, others: Tensor, chance: Chance) -> Tensor:
    """One lens is missing, or faint; on those without glasses, one is left."""
    side = _left(images) ^ (chance.number() < 0.5)
    return torch.lerp(images, others, side * chance.number(0.6, 1.0))


def _smear(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    return spoiling.smear(images, _spot(images, chance, 0.10, 0.25))


def _double(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    return spoiling.double(images, _spot(images, chance, 0.15, 0.35), chance)


def _ghost(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    return spoiling.ghost(images, _spot(images, chance, 0.25, 0.6), chance)


def _hole(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    return spoiling.hole(images, _spot(images, chance, 0.05, 0.12), chance)


def _fog(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    return spoiling.fog(images, _spot(images, chance, 0.12, 0.8))


DAMAGES: Mapping[str, Callable[[Tensor, Tensor, Chance], Tensor]] = MappingProxyType(
    {"lens": lens, "smear": _smear, "double": _double, "ghost": _ghost, "hole": _hole, "fog": _fog}
)


def damaged(images: Tensor, others: Tensor, chance: Chance) -> Tensor:
    """Each picture with one kind of damage, in turn.

    Shapes:
        images, others: (N, 3, 128, 128) in [0, 1], with one pair of glasses and with another, or none.
    """
    found = images.clone()
    for number, spoil in enumerate(DAMAGES.values()):
        rows = slice(number, None, len(DAMAGES))
        if count := len(images[rows]):
            found[rows] = spoil(images[rows], others[rows], chance.part(count)).clamp(0, 1)
    return found
