"""What can be done to any picture so that nobody would have drawn it so; who spoils says where and how much."""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor
from torch.nn import functional


class Chance:
    """Random numbers for a batch of ``count``, on the generator's device."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator, self.device = count, generator, generator.device

    def part(self, count: int) -> Chance:
        """The same numbers going on, for a part of the batch."""
        part = copy(self)
        part.count = count
        return part

    def number(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """One for each picture, (count, 1, 1, 1)."""
        drawn = torch.rand(self.count, 1, 1, 1, generator=self.generator, device=self.device)
        return low + (high - low) * drawn

    def grain(self, like: Tensor) -> Tensor:
        """Normal numbers of a shape."""
        return torch.randn(like.shape, generator=self.generator, device=self.device)


def seeded(count: int, seed: int, device: torch.device | str = "cpu") -> Chance:
    """Random numbers that a seed decides."""
    return Chance(count, torch.Generator(device).manual_seed(seed))


def blur(images: Tensor, radius: int) -> Tensor:
    """Averages over a square of this radius."""
    padded = functional.pad(images, (radius,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, 2 * radius + 1, stride=1)


def disc(x: Tensor, y: Tensor, radius: Tensor, side: int) -> Tensor:
    """A soft disc, (N, 1, side, side) in [0, 1]; centre and radius, (N, 1, 1, 1), are shares of the width."""
    axis = torch.linspace(0, 1, side, device=x.device)
    away = ((axis.view(1, 1, 1, -1) - x) ** 2 + (axis.view(1, 1, -1, 1) - y) ** 2).sqrt()
    return ((radius - away) * 20 + 0.5).clamp(0, 1)


def wiped(images: Tensor, reach: int = 7) -> Tensor:
    """Everything wiped sideways, so many pixels to either side."""
    padded = functional.pad(images, (reach, reach, 0, 0), mode="replicate")
    return blur(functional.avg_pool2d(padded, (1, 2 * reach + 1), stride=1), 1)


def patches(chance: Chance, cells: int, side: int = 128) -> Tensor:
    """Soft patches, (count, 1, side, side) in [0, 1], about so many along each side."""
    grain = torch.randn(chance.count, 1, cells, cells, generator=chance.generator, device=chance.device)
    return functional.interpolate(grain, size=side, mode="bicubic").mul(2).sigmoid()


def melt(images: Tensor, pixels: Tensor, chance: Chance) -> Tensor:
    """Everything is moved about, as a smooth random field says, by so many pixels, (N, 1, h, w)."""
    side = images.shape[-1]
    field = torch.randn(len(images), 2, 12, 12, generator=chance.generator, device=chance.device)
    moved = functional.interpolate(field, size=side, mode="bicubic") * pixels * 2 / side
    still = torch.eye(2, 3, device=images.device).expand(len(images), 2, 3)
    grid = functional.affine_grid(still, list(images.shape), align_corners=False) + moved.permute(0, 2, 3, 1)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def smear(images: Tensor, where: Tensor) -> Tensor:
    """A place is wiped sideways; ``where`` is (N, 1, h, w) in [0, 1], here and below."""
    return torch.lerp(images, wiped(images), where)


def double(images: Tensor, where: Tensor, chance: Chance) -> Tensor:
    """A place is drawn twice, a few pixels apart."""
    moved = torch.where(chance.number() < 0.5, images.roll((1, 3), (2, 3)), images.roll((2, -5), (2, 3)))
    return torch.lerp(images, moved, 0.5 * where)


def ghost(images: Tensor, where: Tensor, chance: Chance) -> Tensor:
    """The next one in the batch shines through."""
    return torch.lerp(images, images.roll(1, 0), chance.number(0.2, 0.6) * where)


def hole(images: Tensor, where: Tensor, chance: Chance) -> Tensor:
    """A place is filled with the colour of another place."""
    side = images.shape[-1]
    pixel = torch.randint(side * side, (len(images), 1, 1), generator=chance.generator, device=chance.device)
    colour = images.flatten(2).gather(2, pixel.expand(-1, images.shape[1], -1)).unsqueeze(-1)
    return torch.lerp(images, colour.expand_as(images), where)


def fog(images: Tensor, where: Tensor) -> Tensor:
    """A place, or all, is out of focus."""
    return torch.lerp(images, blur(blur(images, 2), 2), where)
