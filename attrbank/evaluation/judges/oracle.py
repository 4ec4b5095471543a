"""A small network that reads a portrait's attributes and identity back from its pixels.

Two are shipped, trained on other seeds and with other widths: the ``tuner``, for choosing settings, and
the ``judge``, which only ever measures. What a judge has helped to choose, it can no longer judge.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from attrbank.backbones.portraits.parameters import ATTRIBUTES, IDENTITY

Role = Literal["judge", "tuner"]
WIDTHS: dict[Role, int] = {"judge": 32, "tuner": 24}
FOLDER = Path(__file__).parent / "oracles"
"""Where the shipped weights lie."""


class Reading(NamedTuple):
    """What an oracle sees.

    Shapes:
        logits: (B, 6), positive where the attribute is present, columns as in ``ATTRIBUTES``.
        identity: (B, 14), in the units of the renderer, columns as in ``IDENTITY``.
    """

    logits: Tensor
    identity: Tensor


class Oracle(nn.Module):
    """Three stride-2 stages on the picture averaged to 64×64, then two linear layers.

    Args:
        width: channels of the first stage; the others have twice and four times as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 4 * width)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
                nn.Conv2d(b, b, 3, padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
            )
            for a, b in pairwise(channels)
        )
        self.squeeze = nn.Conv2d(4 * width, width, 1)
        self.head = nn.Sequential(
            nn.Linear(width * 64, 128), nn.ReLU(), nn.Linear(128, len(ATTRIBUTES) + len(IDENTITY))
        )

    def features(self, images: Tensor) -> list[Tensor]:
        """The three stages' activations for images (B, 3, h, w) in [0, 1]."""
        found, x = [], functional.adaptive_avg_pool2d(images, 64) * 2 - 1
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def forward(self, images: Tensor) -> Reading:
        """Read images (B, 3, h, w) in [0, 1]."""
        return self.read_features(self.features(images))

    def read_features(self, features: list[Tensor]) -> Reading:
        """Read from ``features`` already computed."""
        out = self.head(functional.relu(self.squeeze(features[-1])).flatten(1))
        return Reading(out[:, : len(ATTRIBUTES)], out[:, len(ATTRIBUTES) :])

    @torch.no_grad()
    def read(self, images: Tensor, batch: int = 64) -> Reading:
        """Read any number of images without gradients."""
        parts = [self(images[i : i + batch]) for i in range(0, len(images), batch)]
        return Reading(torch.cat([p.logits for p in parts]), torch.cat([p.identity for p in parts]))


def load(role: Role = "judge", folder: Path = FOLDER) -> Oracle:
    """The shipped oracle of this role, ready to read."""
    oracle = Oracle(WIDTHS[role])
    stored = load_file(folder / f"{role}.safetensors")
    oracle.load_state_dict({key: t.float() if t.is_floating_point() else t for key, t in stored.items()})
    return oracle.eval().requires_grad_(False)


def fingerprint(role: Role, folder: Path = FOLDER) -> str:
    """Twelve hex digits that stand for the shipped weights."""
    return hashlib.sha256((folder / f"{role}.safetensors").read_bytes()).hexdigest()[:12]
