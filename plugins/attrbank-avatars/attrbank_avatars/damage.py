"""A detector of damage: whether a picture is none that the designers could have drawn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from attrbank_avatars.eyes import FOLDER, restore

PATH = FOLDER / "damage.safetensors"


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        return functional.relu(x + body)


class Damage(nn.Module):
    """A logit for each of 16×16 places, of which the worst ones count.

    The view of each place is narrow, so that it looks at how things are drawn and not at who is drawn.

    Attributes:
        threshold: the logit above which a picture counts as damaged: 2 % of renders through the codec do.
    """

    threshold: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 56, 88)
        stages = [
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(), _Residual(b)
            )
            for a, b in pairwise(widths)
        ]
        self.stages, self.place = nn.Sequential(*stages), nn.Conv2d(widths[-1], 64, 3, padding=1)
        self.out = nn.Conv2d(64, 1, 1)
        self.register_buffer("threshold", torch.tensor(0.0))

    def places(self, images: Tensor) -> Tensor:
        """Logits (B, 1, 16, 16) of the places of images (B, 3, 128, 128) in [0, 1]; the larger, the more damaged."""
        found: Tensor = self.out(functional.relu(self.place(self.stages(images * 2 - 1))))
        return found.float()

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B,) of whole images."""
        return worst(self.places(images))

    @torch.no_grad()
    def read(self, images: Tensor, batch: int = 64) -> Tensor:
        """Logits (N,) of any number of images, on their device."""
        return torch.cat([self(part) for part in torch.split(images, batch)])

    def sees(self, images: Tensor) -> Tensor:
        """Which of images (N, 3, 128, 128) in [0, 1] are damaged, (N,) bool."""
        return self.read(images) > self.threshold


def worst(places: Tensor) -> Tensor:
    """Logits of pictures, (B,): a picture is as damaged as its worst place."""
    return places.flatten(1).amax(1)


def load(path: Path = PATH) -> Damage:
    """A stored detector, ready to look; the shipped one without."""
    damage = Damage()
    restore(damage, path)
    return damage
