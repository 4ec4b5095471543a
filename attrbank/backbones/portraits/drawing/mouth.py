"""The mouth, from the corners down over a straight line to a laugh with teeth."""

from __future__ import annotations

import torch

from attrbank.backbones.portraits.drawing.scene import WHITE_COLOUR, Scene, rgb
from attrbank.backbones.portraits.shapes import both, ellipse, ramp

PLACE = 0.275
"""Its height in the head."""


def mouth(scene: Scene) -> None:
    """Two curves between the corners: lips are drawn along them, teeth and tongue between them."""
    part = scene.window(0.02, 0.62, -0.5, 0.5)
    m, u, v = part.m, part.u, part.v
    smile, sad = m.smile, m.sad
    half = 0.105 + 0.030 * part.get("mouth_width") + 0.055 * smile - 0.010 * sad
    along = 1 - (u / half).clamp(-1, 1) ** 2
    slope = 2 * u / half**2
    lift = 0.075 * smile - 0.065 * sad
    gap = 0.155 * ramp(smile, 0.30, 1.0)
    place = PLACE - 0.020 * smile + 0.012 * sad - 0.5 * lift

    def curve(bend: torch.Tensor) -> torch.Tensor:
        return (v - place - bend * along) / torch.sqrt(1 + (bend * slope) ** 2)

    upper, lower, ends = curve(lift), curve(lift + gap), u.abs() - half
    inside = both(-upper, lower, ends)
    open_ = ramp(smile, 0.30, 0.42)
    part.stroke(rgb((0.42, 0.09, 0.13)), inside, open_)
    part.stroke(
        rgb((0.90, 0.42, 0.45)),
        both(inside, ellipse(u, v - place - lift - gap, half * 0.55, gap * 0.42 + 0.005)),
        ramp(smile, 0.60, 0.80),
    )
    part.stroke(WHITE_COLOUR, both(inside, curve(lift + 0.50 * gap)), open_)
    lip = torch.lerp(m.skin * 0.66, rgb((0.82, 0.22, 0.30)), 0.28 + 0.57 * (1 - m.man) * (1 - 0.6 * m.child))
    thick = 0.0145 + 0.008 * (1 - m.man) * (1 - 0.6 * m.child)
    rounded = (ends.clamp(min=0) ** 2 + upper**2 + 1e-9).sqrt()
    part.stroke(lip, rounded - thick)
    part.stroke(lip, both((ends.clamp(min=0) ** 2 + lower**2 + 1e-9).sqrt() - thick * 0.9), open_)
    dimple = ((u.abs() - half - 0.012) ** 2 + (v - place + 0.004) ** 2 + 1e-9).sqrt()
    part.stroke(m.skin * 0.70, dimple - 0.016, 0.7 * ramp(smile, 0.1, 0.5))
    closed = 1 - open_
    part.soft(m.skin * 0.80, both(ellipse(u, v - place - lift - 0.058, half * 0.45, 0.014)), 0.03, 0.5 * closed)
