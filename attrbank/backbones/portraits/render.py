"""Draws portraits from their parameters, with signed distances, in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from attrbank.backbones.portraits.drawing import eyes, ground, hair, head, mouth, wear
from attrbank.backbones.portraits.drawing.scene import begin
from attrbank.backbones.portraits.parameters import Portraits

SIZE, BATCH = 128, 64

_PARTS = (
    ground.background,
    hair.behind,
    ground.body,
    head.head,
    head.wrinkles,
    eyes.eyes,
    head.nose,
    hair.beard,
    mouth.mouth,
    hair.front,
    eyes.brows,
    wear.earrings,
    wear.glasses,
    wear.hat,
)
"""From back to front."""


@torch.no_grad()
def render(portraits: Portraits, size: int = SIZE) -> Tensor:
    """Portraits as images (N, 3, size, size) in [0, 1]."""
    if not len(portraits):
        return torch.empty(0, 3, size, size)
    return torch.cat([_paint(portraits[i : i + BATCH], size) for i in range(0, len(portraits), BATCH)])


def _paint(portraits: Portraits, size: int) -> Tensor:
    scene = begin(portraits, size)
    for part in _PARTS:
        part(scene)
    return scene.canvas.clamp(0, 1)
