"""What the detector of damage learns from: renders, whole and spoiled, and generated pictures with labels by eye.

Renders alone do not teach what people call damaged: a detector that sees nine of ten spoiled ones calls most pictures
of a model so, since a model's flaws, which nobody minds, are no renderer's.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from attrbank.backbones.portraits.parameters import Portraits
from attrbank.evaluation.judges.oracle import Damage, worst
from lab.portraits.codec import through
from lab.portraits.labelled import SHEETS
from lab.portraits.renders import Renders, as_bytes
from lab.portraits.spoil import damaged, soften
from lab.spoiling import Chance, seeded

SEED = 1 << 35
POOL, CODED, AT_ONCE = 1040, 4, 32
"""Renders that are kept, whole ones and as many damaged; one of so many went through the codec, which takes long."""
RENDERED, JITTERED = 3 / 8, 0.12
"""The share of a batch that are renders, and the noise of latents that are decoded."""
SEEN, PLAIN, CLEAR = 0.12, 0.10, 0.04
"""Differences of pixels: what a damaged render has somewhere, what is damage in a place, and what is none there."""
CALM, FROM_EYE = 0.3, 1.3
"""How much whole renders weigh, and whole pictures of a model: more, as they are the harder ones."""
PLACES, RARE = 0.15, 4.0
"""How much it weighs where the damage is, and how much more a damaged place does than others."""
LOW, HIGH = 0.05, 0.95
"""What is wanted of whole and damaged pictures. Nothing is gained by being surer: all whole ones come to one level."""


class DamageLesson:
    """The loss at step n: of whole pictures, by chance blurred, tinted and mirrored, and of damaged ones.

    Args:
        network: what learns.
        found: renders, on the CPU.
        vae: the autoencoder whose blemishes it is to know, on the CPU; None for renders as they are.
        batch: pictures of a step.
        device: where the network is.
    """

    def __init__(
        self, network: Damage, found: Renders, vae: AutoencoderKL | None, batch: int, device: torch.device
    ) -> None:
        self.network, self.found, self.vae, self.device = network, found, vae, device
        self.renders = max(1, round(batch * RENDERED / 2))
        self.by_eye = max(1, batch // 2 - self.renders)
        self.seen = [sheet.to_learn() for sheet in SHEETS]
        self._pool: tuple[Tensor, Tensor, Tensor] | None = None

    def __call__(self, step: int) -> Tensor:
        """The loss on a random batch: whole renders, damaged ones, whole pictures by eye, and damaged ones."""
        chance = seeded(2 * self.renders, SEED + 16 * step)
        rendered, off = self._renders(chance)
        whole, hurt = self._of_a_model(chance, False), self._of_a_model(chance, True)
        images = torch.cat([rendered, moved(torch.cat([whole, hurt]), chance.part(2 * self.by_eye))])
        mirrored = chance.part(len(images)).number() < 0.5
        images = torch.where(mirrored, images.flip(3), images)
        off = torch.where(mirrored[: len(off)], off.flip(3), off)
        shown = blemished(images, chance.part(len(images))).to(self.device)
        places = self.network.places(shown).float()
        return self._of_pictures(places, off.to(self.device)) + PLACES * self._of_places(places, off.to(self.device))

    def _of_pictures(self, places: Tensor, off: Tensor) -> Tensor:
        """Squared errors of what it says of whole pictures and of damaged ones."""
        n, m, one = self.renders, self.by_eye, torch.ones(1, device=places.device)
        visible = ((off[n:].flatten(1).amax(1) - SEEN) * 10).clamp(0, 1)
        wanted = torch.cat([one.expand(n) * LOW, one.expand(n) * HIGH, one.expand(m) * LOW, one.expand(m) * HIGH])
        weight = torch.cat([one.expand(n) * CALM, visible, one.expand(m) * FROM_EYE, one.expand(m)])
        error = (worst(places).div(2).sigmoid() - wanted).square()
        return 8 * (error * weight).mean()

    def _of_places(self, places: Tensor, off: Tensor) -> Tensor:
        """Cross-entropy of where damaged renders are damaged; of what is hardly visible nothing is asked."""
        n = self.renders
        told, rare = places[n : 2 * n], torch.tensor(RARE, device=places.device)
        wrong, asked = off[n:] > PLAIN, (off[n:] > PLAIN) | (off[n:] <= CLEAR)
        error = functional.binary_cross_entropy_with_logits(told, wrong.float(), pos_weight=rare, reduction="none")
        return (error * asked).mean()

    def _of_a_model(self, chance: Chance, hurt: bool) -> Tensor:
        """Some of the generated pictures, of every sheet alike many, (by_eye, 3, 128, 128)."""
        sheets = [sheet.pictures[sheet.damaged == hurt] for sheet in self.seen]
        parts = torch.arange(self.by_eye) % len(sheets)
        drawn = torch.rand(self.by_eye, generator=chance.generator)
        return torch.stack([sheets[k][int(x * len(sheets[k]))] for k, x in zip(parts.tolist(), drawn, strict=True)])

    def _renders(self, chance: Chance) -> tuple[Tensor, Tensor]:
        """Whole and damaged renders, (2n, 3, 128, 128), and by places how far they are off, (2n, 1, 16, 16)."""
        if self._pool is None:
            self._pool = self._made()
        whole, hurt, off = self._pool
        rows = torch.randint(len(whole), (chance.count,), generator=chance.generator)
        some, others = rows.chunk(2)
        return torch.cat([whole[some], hurt[others]]).float() / 255, torch.cat(
            [torch.zeros_like(off[some]), off[others]]
        )

    @torch.no_grad()
    def _made(self) -> tuple[Tensor, Tensor, Tensor]:
        """Renders, others that are damaged, and by places how far these are off."""
        count = min(POOL, len(self.found) // 2)
        chance = seeded(count, SEED)
        clean, whole = (self.found.images[rows].float() / 255 for rows in (slice(count), slice(count, 2 * count)))
        hurt = damaged(clean, Portraits(self.found.values[:count]), chance)
        off = functional.avg_pool2d((hurt - clean).abs().amax(1, keepdim=True), 5, stride=1, padding=2)
        if self.vae is not None:
            for images in (whole, hurt):
                images[::CODED] = self._decoded(images[::CODED], chance)
        return as_bytes(whole), as_bytes(hurt), functional.max_pool2d(off, 8)

    def _decoded(self, images: Tensor, chance: Chance) -> Tensor:
        parts = [
            through(self.vae, part, JITTERED * chance.part(len(part)).number(), chance.generator)
            for part in torch.split(images, AT_ONCE)
        ]
        return torch.cat(parts)


def moved(images: Tensor, chance: Chance) -> Tensor:
    """Each moved, turned and stretched a little, so that few pictures are not known by heart."""
    turn, size = chance.number(-0.08, 0.08).flatten(), chance.number(0.93, 1.07).flatten()
    across, down = chance.number(-0.08, 0.08).flatten(), chance.number(-0.08, 0.08).flatten()
    rows = [size * turn.cos(), -size * turn.sin(), across, size * turn.sin(), size * turn.cos(), down]
    grid = functional.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def blemished(images: Tensor, chance: Chance) -> Tensor:
    """Blur, other light and faint tints, which are no damage."""
    soft = torch.where(chance.number() < 0.6, soften(images, chance), images)
    light = (soft - 0.5) * chance.number(0.9, 1.1) + 0.5 + chance.number(-0.05, 0.05)
    tint = torch.randn(len(images), 3, 10, 10, generator=chance.generator)
    tint = functional.interpolate(tint, size=images.shape[-1], mode="bicubic") * chance.number(0, 0.025)
    return (light + tint + chance.grain(images) * chance.number(0, 0.01)).clamp(0, 1)
