"""Damage: pictures that nobody drew, for a detector to learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from lab import spoiling
from lab.avatars.cutouts import Cutouts, draw_cached
from lab.avatars.loop import layout
from lab.spoiling import Chance, disc

HALF_WORN = 300
"""How many figures are also drawn without what they wear on their eyes."""


Spot = Tensor
"""A soft disc on a figure, (N, 1, h, w) in [0, 1]."""


def spot(images: Tensor, chance: Chance, low: float, high: float) -> Spot:
    """A disc around a random pixel that is part of a drawn thing; its radius is a share of the width."""
    down = functional.pad((images[..., 1:, :] - images[..., :-1, :]).abs().amax(1), (0, 0, 0, 1))
    luck = torch.rand(down.shape, generator=chance.generator, device=chance.device)
    chosen = ((down > 0.3) + luck).flatten(1).argmax(1)  # a strong edge, or anything where there is none
    side = images.shape[-1]
    x, y = ((part / side).view(-1, 1, 1, 1) for part in (chosen % side, torch.div(chosen, side, rounding_mode="floor")))
    return disc(x, y, chance.number(low, high), side)


def _smear(images: Tensor, chance: Chance) -> Tensor:
    return spoiling.smear(images, spot(images, chance, 0.07, 0.2))


def _double(images: Tensor, chance: Chance) -> Tensor:
    return spoiling.double(images, spot(images, chance, 0.1, 0.3), chance)


def _ghost(images: Tensor, chance: Chance) -> Tensor:
    return spoiling.ghost(images, spot(images, chance, 0.12, 0.4), chance)


def _hole(images: Tensor, chance: Chance) -> Tensor:
    return spoiling.hole(images, spot(images, chance, 0.03, 0.1), chance)


def _fog(images: Tensor, chance: Chance) -> Tensor:
    return spoiling.fog(images, spot(images, chance, 0.1, 0.8))


def wave(images: Tensor, chance: Chance) -> Tensor:
    """A place is bent, as lines of a decoder that is unsure are."""
    coarse = functional.interpolate(
        chance.grain(images[:, :2, :8, :8]), size=images.shape[2:], mode="bicubic", align_corners=False
    )
    axis = (torch.arange(images.shape[-1], device=chance.device) + 0.5) / images.shape[-1] * 2 - 1
    base = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    bent = functional.grid_sample(
        images, base + 0.035 * coarse.permute(0, 2, 3, 1), padding_mode="border", align_corners=False
    )
    return torch.lerp(images, bent, spot(images, chance, 0.12, 0.4))


DAMAGES: dict[str, Callable[[Tensor, Chance], Tensor]] = {
    "smear": _smear,
    "double": _double,
    "ghost": _ghost,
    "hole": _hole,
    "fog": _fog,
    "wave": wave,
}
"""What can be done to any picture; half a pair of glasses, and latents that are wrong in a place, are beside these."""


def spoiled(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture with one kind of damage, in turn; images (N, 3, 128, 128) in [0, 1]."""
    found = images.clone()
    for number, spoil in enumerate(DAMAGES.values()):
        some = images[number :: len(DAMAGES)]
        if len(some):
            found[number :: len(DAMAGES)] = spoil(some, Chance(len(some), generator)).clamp(0, 1)
    return found


@torch.no_grad()
def redrawn(vae: AutoencoderKL, images: Tensor, noise: Tensor) -> Tensor:
    """Pictures in [0, 1] through the autoencoder, with noise on their latents in standard deviations.

    Shapes:
        noise: (N, 4, 32, 32).
    """
    device = images.device
    with torch.autocast(device.type, torch.bfloat16):
        latents = vae.encode((images * 2 - 1).contiguous(memory_format=layout(device))).latent_dist.mean
        noisy = latents.float() + noise / vae.config.scaling_factor
        decoded: Tensor = vae.decode(noisy.contiguous(memory_format=layout(device))).sample
    return (decoded.float() / 2 + 0.5).clamp(0, 1).contiguous()


def half_worn(folder: Path, cutouts: Cutouts, count: int) -> tuple[Cutouts, Cutouts]:
    """Figures with only one side of their glasses, which nobody draws, and the same with both.

    Glasses end in the middle between the leftmost and the rightmost pixel that they change. Draws the figures without
    glasses, or reads them from the folder if they were drawn before.
    """
    rows = [row for row, figure in enumerate(cutouts.figures) if figure.traits["eyewear"] != "none"][:count]
    worn = Cutouts([cutouts.figures[row] for row in rows], cutouts.pictures[rows])
    bare = draw_cached(folder, f"bare-{count}", [figure.with_trait("eyewear", "none") for figure in worn.figures])
    halves = [_half(worn.pictures[number], bare.pictures[number], number % 2 > 0) for number in range(len(rows))]
    return Cutouts(worn.figures, np.stack(halves)), worn


def _half(worn: np.ndarray, bare: np.ndarray, left: bool) -> np.ndarray:
    changed = np.flatnonzero((worn != bare).any((0, 2)))
    middle = (changed[0] + changed[-1]) / 2 if len(changed) else worn.shape[1] / 2
    columns = np.arange(worn.shape[1])[None, :, None]
    mixed: np.ndarray = np.where((columns < middle) == left, worn, bare)
    return mixed
