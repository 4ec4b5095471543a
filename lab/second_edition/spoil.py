"""Ways to spoil a picture: what an eye must read through, and the damage that a detector must see."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from lab.second_edition.parameters import Portraits
from lab.second_edition.render import render


class Chance:
    """Random numbers for a batch of ``count``."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.generator = count, torch.Generator().manual_seed(seed)

    def number(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """One for each picture, (count, 1, 1, 1)."""
        return low + (high - low) * torch.rand(self.count, 1, 1, 1, generator=self.generator)

    def grain(self, like: Tensor) -> Tensor:
        """Normal numbers for each pixel."""
        return torch.randn(like.shape, generator=self.generator)


def blur(images: Tensor, radius: int) -> Tensor:
    """Averages over a square of this radius."""
    padded = functional.pad(images, (radius,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, 2 * radius + 1, stride=1)


def _spot(images: Tensor, chance: Chance, low: float, high: float) -> Tensor:
    """A soft disc somewhere on the head, (N, 1, h, w) in [0, 1], its radius a share of the width."""
    axis = torch.linspace(0, 1, images.shape[-1])
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
    colour = torch.rand(len(images), 3, 1, 1, generator=chance.generator)
    return torch.lerp(images, colour.expand_as(images), _spot(images, chance, 0.03, 0.09))


BLEMISHES: tuple[Callable[[Tensor, Chance], Tensor], ...] = (soften, grain, cover)


def half_drawn(portraits: Portraits, images: Tensor, name: str) -> Tensor:
    """The same pictures with only one side of what they wear: neither glasses nor none, but no glasses to an eye."""
    without = render(portraits.having(name, 0.0))
    middle = (64 + 8 * (portraits.column("head_x") - 0.5)).view(-1, 1, 1, 1)
    return torch.where(torch.arange(images.shape[-1]) < middle, images, without)


# Damage.


def lens(portraits: Portraits, images: Tensor, chance: Chance) -> Tensor:
    """One lens is missing, or faint; on those without glasses, one is left."""
    worn = portraits.column("glasses")
    other = render(portraits.having("glasses", torch.where(worn > 0, torch.zeros_like(worn), torch.ones_like(worn))))
    side = (torch.arange(images.shape[-1]) < 64) ^ (chance.number() < 0.5)
    return torch.lerp(images, other, side * chance.number(0.6, 1.0))


def smear(_: Portraits, images: Tensor, chance: Chance) -> Tensor:
    """A place is wiped sideways."""
    wiped = functional.avg_pool2d(functional.pad(images, (7, 7, 0, 0), mode="replicate"), (1, 15), stride=1)
    return torch.lerp(images, blur(wiped, 1), _spot(images, chance, 0.10, 0.25))


def double(_: Portraits, images: Tensor, chance: Chance) -> Tensor:
    """A place is drawn twice, a few pixels apart."""
    shift = int(torch.randint(3, 7, (1,), generator=chance.generator))
    moved = images.roll((shift // 2, shift), (2, 3))
    return torch.lerp(images, moved, 0.5 * _spot(images, chance, 0.15, 0.35))


def ghost(_: Portraits, images: Tensor, chance: Chance) -> Tensor:
    """The next one in the batch shines through."""
    return torch.lerp(images, images.roll(1, 0), chance.number(0.2, 0.5) * _spot(images, chance, 0.25, 0.6))


def hole(_: Portraits, images: Tensor, chance: Chance) -> Tensor:
    """A place is filled with the colour of another place."""
    rows, columns = torch.randint(16, 112, (2, len(images)), generator=chance.generator)
    colour = images[torch.arange(len(images)), :, rows, columns][:, :, None, None]
    return torch.lerp(images, colour.expand_as(images), _spot(images, chance, 0.05, 0.12))


def fog(_: Portraits, images: Tensor, chance: Chance) -> Tensor:
    """A place, or all, is out of focus."""
    return torch.lerp(images, blur(blur(images, 2), 2), _spot(images, chance, 0.12, 0.8))


DAMAGES: tuple[Callable[[Portraits, Tensor, Chance], Tensor], ...] = (lens, smear, double, ghost, hole, fog)


def damaged(portraits: Portraits, images: Tensor, seed: int) -> Tensor:
    """Each picture with one kind of damage, in turn; images (N, 3, 128, 128) in [0, 1]."""
    found = images.clone()
    for number, spoil in enumerate(DAMAGES):
        rows = torch.arange(len(images))[number :: len(DAMAGES)]
        if len(rows):
            found[rows] = spoil(portraits[rows], images[rows], Chance(len(rows), seed + number)).clamp(0, 1)
    return found
