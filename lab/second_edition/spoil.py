"""Ways to spoil a picture: what an eye must read through, and the damage that a detector must see."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import torch
from torch import Tensor
from torch.nn import functional


class Chance:
    """Random numbers for a batch of ``count``, on a device."""

    def __init__(self, count: int, seed: int, device: torch.device | str = "cpu") -> None:
        self.count, self.device = count, torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def part(self, count: int) -> Chance:
        """The same numbers going on, for a part of the batch."""
        part = copy(self)
        part.count = count
        return part

    def number(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """One for each picture, (count, 1, 1, 1)."""
        return low + (high - low) * torch.rand(self.count, 1, 1, 1, generator=self.generator, device=self.device)

    def grain(self, like: Tensor) -> Tensor:
        """Normal numbers for each pixel."""
        return torch.randn(like.shape, generator=self.generator, device=self.device)


def blur(images: Tensor, radius: int) -> Tensor:
    """Averages over a square of this radius."""
    padded = functional.pad(images, (radius,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, 2 * radius + 1, stride=1)


def _spot(images: Tensor, chance: Chance, low: float, high: float) -> Tensor:
    """A soft disc somewhere on the head, (N, 1, h, w) in [0, 1], its radius a share of the width."""
    axis = torch.linspace(0, 1, images.shape[-1], device=images.device)
    x, y = axis.view(1, 1, 1, -1) - chance.number(0.25, 0.75), axis.view(1, 1, -1, 1) - chance.number(0.2, 0.8)
    return ((chance.number(low, high) - (x**2 + y**2).sqrt()) * 20 + 0.5).clamp(0, 1)


# What does not change what is shown. An eye is trained on pictures that went through one of these.


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
    """One side of the one pictures, the other side of the others: half a pair of glasses is no glasses to an eye."""
    return torch.where(_left(images), images, others)


def _left(images: Tensor) -> Tensor:
    """The left half of pictures, (w,) bool."""
    return torch.arange(images.shape[-1], device=images.device) < images.shape[-1] // 2


# Damage. Each takes pictures, the same with other glasses, and chance.


def lens(images: Tensor, others: Tensor, chance: Chance) -> Tensor:
    """One lens is missing, or faint; on those without glasses, one is left."""
    side = _left(images) ^ (chance.number() < 0.5)
    return torch.lerp(images, others, side * chance.number(0.6, 1.0))


def smear(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    """A place is wiped sideways."""
    wiped = functional.avg_pool2d(functional.pad(images, (7, 7, 0, 0), mode="replicate"), (1, 15), stride=1)
    return torch.lerp(images, blur(wiped, 1), _spot(images, chance, 0.10, 0.25))


def double(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    """A place is drawn twice, a few pixels apart."""
    moved = torch.where(chance.number() < 0.5, images.roll((1, 3), (2, 3)), images.roll((3, 6), (2, 3)))
    return torch.lerp(images, moved, 0.5 * _spot(images, chance, 0.15, 0.35))


def ghost(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    """The next one in the batch shines through."""
    return torch.lerp(images, images.roll(1, 0), chance.number(0.2, 0.5) * _spot(images, chance, 0.25, 0.6))


def hole(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    """A place is filled with the colour of another place."""
    rows, columns = torch.randint(16, 112, (2, len(images)), generator=chance.generator, device=chance.device)
    colour = images[torch.arange(len(images), device=chance.device), :, rows, columns][:, :, None, None]
    return torch.lerp(images, colour.expand_as(images), _spot(images, chance, 0.05, 0.12))


def fog(images: Tensor, _: Tensor, chance: Chance) -> Tensor:
    """A place, or all, is out of focus."""
    return torch.lerp(images, blur(blur(images, 2), 2), _spot(images, chance, 0.12, 0.8))


DAMAGES: tuple[Callable[[Tensor, Tensor, Chance], Tensor], ...] = (lens, smear, double, ghost, hole, fog)


def damaged(images: Tensor, others: Tensor, chance: Chance) -> Tensor:
    """Each picture with one kind of damage, in turn.

    Shapes:
        images, others: (N, 3, 128, 128) in [0, 1], with one pair of glasses and with another, or none.
    """
    found = images.clone()
    for number, spoil in enumerate(DAMAGES):
        rows = slice(number, None, len(DAMAGES))
        if count := len(images[rows]):
            found[rows] = spoil(images[rows], others[rows], chance.part(count)).clamp(0, 1)
    return found
